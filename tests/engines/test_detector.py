from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from engines.contract import SIGNALS, Batch, Floats, Maps, Signal
from engines.detector import Detector
from engines.errors import EngineError, ProfileError
from engines.profile import Profile
from engines.runtime.openvino import OpenVinoEngine
from tests.engines.conftest import film, score


@pytest.fixture
def detector(engine: OpenVinoEngine, place: Profile) -> Detector:
    return Detector(engine, {"gate": place, "yard": place})


def test_says_everything_of_every_frame(detector: Detector) -> None:
    scores = score(detector, *film(2, seed=7))
    count = len(scores)
    assert count == 10
    assert scores.map.shape == (count, 32, 32)
    for values in (scores.score, scores.threshold, scores.uncertainty, *scores.signals.values()):
        assert values.shape == (count,)
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
    assert set(scores.signals) == set(scores.signal_maps) == set(SIGNALS)
    assert all(np.isfinite(maps).all() for maps in (scores.map, *scores.signal_maps.values()))
    assert scores.uncertainty.min() >= 0


def test_an_intruder_is_flagged_where_it_is_and_walkers_are_not(detector: Detector) -> None:
    times, pixels = film(8, intruder=(4.0, 6.0), seed=7)
    scores = score(detector, times, pixels)
    flagged = scores.score >= scores.threshold
    assert not flagged[:20].any(), "people walking are normal"
    assert flagged[21:29].any(), "what rushes across the lawn is not"
    strongest = scores.map[21:29].max(axis=(0, 2)).argmax()
    assert 4 <= strongest <= 14, "rows 40 to 95 of 240 are rows 5 to 12 of the map"


def test_a_batch_scores_as_its_frames_one_by_one(engine: OpenVinoEngine, place: Profile) -> None:
    times, pixels = film(3, intruder=(1.0, 2.0), seed=3)
    together = score(Detector(engine, {"gate": place}), times, pixels)
    one = Detector(engine, {"gate": place})
    for index in range(len(times)):
        alone = score(one, times[index : index + 1], pixels[index : index + 1])
        assert alone.score[0] == pytest.approx(together.score[index], abs=1e-4)
        np.testing.assert_allclose(alone.map[0], together.map[index], atol=1e-3)


def test_cameras_in_one_batch_do_not_touch_each_other(engine: OpenVinoEngine, place: Profile) -> None:
    times, pixels = film(3, seed=3)
    _, other = film(3, intruder=(0.0, 3.0), seed=4)
    alone = score(Detector(engine, {"gate": place}), times, pixels)
    mixed = Detector(engine, {"gate": place, "yard": place}).score(
        Batch(
            tuple(camera for _ in times for camera in ("yard", "gate")),
            tuple(time + shift for time in times for shift in (1000.0, 0.0)),
            np.stack([frame for pair in zip(other, pixels, strict=True) for frame in pair]),
        )
    )
    np.testing.assert_allclose(mixed.score[1::2], alone.score, atol=1e-4)
    assert mixed.score[::2].max() > mixed.score[1::2].max()


def test_maps_are_made_when_somebody_looks_and_once() -> None:
    places, made = np.ones((2, 2), np.float32), []

    def make() -> tuple[Floats, dict[Signal, Floats]]:
        made.append(places)
        return places, dict.fromkeys(SIGNALS, places)

    maps = Maps(make)
    assert not made
    assert maps.fused is maps.fused is places
    assert set(maps.signals) == set(SIGNALS)
    assert len(made) == 1


def test_frames_may_lie_anywhere_and_are_left_as_they_are(engine: OpenVinoEngine, place: Profile) -> None:
    times, pixels = film(2, intruder=(0.5, 1.5), seed=9)
    apart = [frame.copy() for frame in pixels]
    whole = score(Detector(engine, {"gate": place}), times, pixels)
    detector = Detector(engine, {"gate": place})
    for index, time_s in enumerate(times):
        one = detector.score(Batch(("gate",), (time_s,), apart[index : index + 1]))
        assert one.score[0] == pytest.approx(whole.score[index], abs=1e-4)
    np.testing.assert_array_equal(apart, pixels)


def test_scores_are_the_same_each_time(engine: OpenVinoEngine, place: Profile) -> None:
    first, second = (score(Detector(engine, {"gate": place}), *film(2, seed=9)) for _ in range(2))
    np.testing.assert_array_equal(first.score, second.score)
    np.testing.assert_array_equal(first.map, second.map)


def test_motion_and_smoothing_end_at_an_outage(detector: Detector) -> None:
    times, pixels = film(4, intruder=(0.0, 4.0), seed=3)
    before = score(detector, times, pixels)
    assert before.signals["motion"][-1] > 0
    detector.forget("gate")
    quiet = film(1, seed=5)[1][:1]
    after = score(detector, [times[-1] + 0.2], quiet)
    assert after.signals["motion"][0] == 0
    assert after.score[0] < before.score[-1]


def test_a_camera_without_a_profile_is_named(detector: Detector) -> None:
    times, pixels = film(1)
    with pytest.raises(EngineError, match="'roof'"):
        score(detector, times, pixels, camera="roof")
    with pytest.raises(EngineError, match="'roof'"):
        detector.threshold("roof")


def test_a_profile_of_another_network_is_refused(engine: OpenVinoEngine, place: Profile) -> None:
    other = dataclasses.replace(place.network, encoder=place.network.encoder + b"\0")
    with pytest.raises(ProfileError, match="enrol the camera again"):
        Detector(engine, {"gate": dataclasses.replace(place, network=other)})


def test_a_profile_that_lacks_a_part_is_refused(engine: OpenVinoEngine, place: Profile) -> None:
    arrays = {name: value for name, value in place.arrays.items() if name != "memory.modes"}
    with pytest.raises(ProfileError, match=r"memory\.modes"):
        Detector(engine, {"gate": dataclasses.replace(place, arrays=arrays)})


def test_a_saved_profile_scores_as_the_fresh_one(engine: OpenVinoEngine, place: Profile, tmp_path: Path) -> None:
    place.save(tmp_path / "gate.vigil")
    again = Profile.load(tmp_path / "gate.vigil")
    fresh, stored = (score(Detector(engine, {"gate": each}), *film(1, seed=9)) for each in (place, again))
    np.testing.assert_allclose(fresh.score, stored.score, atol=1e-4)


def test_a_profile_of_before_bodies_were_measured_still_serves(engine: OpenVinoEngine, place: Profile) -> None:
    new = ("paces.", "motion-bodies")
    arrays = {name: values for name, values in place.arrays.items() if not any(part in name for part in new)}
    assert len(arrays) < len(place.arrays)
    arrays |= {name: values[:4] for name, values in arrays.items() if name.endswith(".weights")}
    older = Detector(engine, {"gate": dataclasses.replace(place, arrays=arrays)})
    times, pixels = film(8, intruder=(4.0, 6.0), seed=7)
    scores = score(older, times, pixels)
    flagged = scores.score >= scores.threshold
    assert flagged[21:29].any()
    assert not flagged[:20].any()
