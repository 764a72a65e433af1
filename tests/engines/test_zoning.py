"""Zones and masks as the detector minds them: a real engine, a real profile."""

from __future__ import annotations

import numpy as np
import pytest

from engines.contract import Pixels
from engines.detector import Detector
from engines.enrolment import Enrolment, EnrolmentSettings
from engines.network.files import Network
from engines.profile import Profile
from engines.runtime.openvino import OpenVinoEngine
from engines.zoning import GRAIN, Hidden, Zoning
from tests.engines.conftest import film, score

LAWN = np.s_[: GRAIN * 130 // 240]
"""Where the intruder of `film` rushes across, with the wall above."""
PATH = np.s_[GRAIN * 180 // 240 :]


def weighted(weight: float, where: slice = LAWN) -> Zoning:
    weights = np.ones((GRAIN, GRAIN), np.float32)
    weights[where] = weight
    return Zoning(weights)


def behind(rows: slice) -> Zoning:
    """A mask from side to side."""
    cells = np.zeros((GRAIN, GRAIN), np.bool_)
    cells[rows] = True
    return Zoning(np.ones((GRAIN, GRAIN), np.float32), Hidden(cells))


def filled(pixels: Pixels, zoning: Zoning) -> Pixels:
    assert zoning.hidden is not None
    shown = pixels.copy()
    shown[:, zoning.hidden.cells] = 112
    return shown


@pytest.fixture
def detector(engine: OpenVinoEngine, place: Profile) -> Detector:
    return Detector(engine, {"gate": place})


def test_an_intruder_where_nothing_counts_raises_no_alarm_and_is_on_no_map(detector: Detector) -> None:
    times, pixels = film(8, intruder=(4.0, 6.0), seed=7)
    plain = score(detector, times, pixels)
    assert (plain.score >= plain.threshold).any()
    detector.forget("gate")
    detector.rezone("gate", weighted(0))
    ignored = score(detector, times, pixels)
    assert not (ignored.score >= ignored.threshold).any()
    rows = 32 * 120 // 240
    assert ignored.map[:, : rows - 1].max() == 0
    assert all(maps[:, : rows - 1].max() == 0 for maps in ignored.signal_maps.values())
    np.testing.assert_allclose(ignored.map[:, rows + 3 :], plain.map[:, rows + 3 :], atol=1e-4)


def test_a_greater_weight_raises_the_score_and_a_lesser_one_lowers_it(detector: Detector) -> None:
    times, pixels = film(8, intruder=(4.0, 6.0), seed=7)

    def peak(zoning: Zoning | None) -> float:
        detector.forget("gate")
        detector.rezone("gate", zoning)
        return float(score(detector, times, pixels).score.max())

    peaks = [peak(weighted(0)), peak(weighted(0.5)), peak(weighted(1)), peak(weighted(1.5))]
    assert peaks == sorted(peaks)
    assert peaks[1] < peaks[2] == peak(None) < peaks[3]
    assert peak(weighted(0, PATH)) == pytest.approx(peaks[2], abs=0.5), "elsewhere it is as ever"


def test_a_mask_that_was_drawn_after_enrolment_raises_no_alarm_and_an_intruder_beside_it_does(
    detector: Detector,
) -> None:
    zoning = behind(PATH)
    times, pixels = film(8, intruder=(4.0, 6.0), seed=7)
    detector.rezone("gate", zoning)
    scores = score(detector, times, filled(pixels, zoning))
    flagged = scores.score >= scores.threshold
    assert not flagged[:20].any(), f"{scores.score[:20].max()} of {scores.threshold[0]}"
    assert flagged[21:29].any()


def test_a_frame_that_is_filled_without_a_word_would_raise_one(detector: Detector) -> None:
    times, pixels = film(2, seed=7)
    scores = score(detector, times, filled(pixels, behind(PATH)))
    assert (scores.score >= scores.threshold).all()


def test_a_lamp_beside_a_mask_is_still_a_change_of_light(detector: Detector) -> None:
    zoning = behind(np.s_[: GRAIN // 2])
    detector.rezone("gate", zoning)
    times, pixels = film(4, seed=7)
    lit = np.asarray(np.clip(pixels.astype(np.float32) * 1.5, 0, 255), np.uint8)
    shown = filled(np.concatenate([pixels[:10], lit[10:]]), zoning)
    scores = score(detector, times, shown)
    assert any(situation.changing for situation in scores.situations[10:])
    assert not any(situation.changing for situation in scores.situations[1:10])
    assert not (scores.score >= scores.threshold).any()


def test_what_a_mask_hid_at_enrolment_is_known_and_the_places_beside_it_count(
    engine: OpenVinoEngine, network: Network, place: Profile
) -> None:
    zoning = behind(np.s_[: GRAIN * 30 // 240])
    enrolment = Enrolment(engine, network, EnrolmentSettings(false_alarms_per_day=100), zoning.hidden)
    enrolment.stretch("normal", still=False)
    times, pixels = film(30)
    enrolment.add(times, filled(pixels, zoning))
    profile = enrolment.finish().profile
    assert 0.12 < profile.provenance["hidden"] < 0.14
    times, pixels = film(8, intruder=(4.0, 6.0), seed=7)
    learnt, fresh = Detector(engine, {"gate": profile}), Detector(engine, {"gate": place})
    for one in (learnt, fresh):
        one.rezone("gate", zoning)
    scores = score(learnt, times, filled(pixels, zoning))
    flagged = scores.score >= scores.threshold
    assert not flagged[:20].any(), f"{scores.score[:20].max()} of {scores.threshold[0]}"
    assert flagged[21:29].any()
    known = (scores.map.max((0, 2)) > 0).argmax()
    assert known < (score(fresh, times, filled(pixels, zoning)).map.max((0, 2)) > 0).argmax()
