"""Each regime is learnt from its own footage and judged by what was learnt of it: a real engine, real fits."""

from __future__ import annotations

import numpy as np
import pytest

from engines.contract import Pixels
from engines.detector import Detector
from engines.enrolment import Enrolled, Enrolment, EnrolmentSettings
from engines.network.files import Network
from engines.profile import Profile
from engines.runtime.openvino import OpenVinoEngine
from tests.engines.conftest import RATE, film, score
from tests.engines.test_light import gain
from tests.engines.test_regime import grey


def at_night(pixels: Pixels) -> Pixels:
    return np.stack([grey(gain(0.7)(one)) for one in pixels])


@pytest.fixture(scope="module")
def both(engine: OpenVinoEngine, network: Network) -> Enrolled:
    """Forty seconds by day, twenty-five in infrared, in one stretch."""
    enrolment = Enrolment(engine, network, EnrolmentSettings(false_alarms_per_day=100))
    enrolment.stretch("a day and a night", still=False)
    _, pixels = film(65)
    pixels = np.concatenate([pixels[:200], at_night(pixels[200:])])
    enrolment.add([index / RATE for index in range(len(pixels))], pixels)
    return enrolment.finish()


def test_each_regime_is_learnt_from_its_own_footage(both: Enrolled) -> None:
    assert list(both.profile.regimes) == ["day", "infrared"]
    assert both.profile.provenance["frames"]["kept"] == 200
    assert both.profile.provenance["regimes"]["infrared"]["frames"]["kept"] < 120
    assert all(line.startswith(("by day: ", "in infrared: ")) for line in both.warnings)


def test_a_night_that_was_enrolled_is_judged_as_one(engine: OpenVinoEngine, both: Enrolled) -> None:
    times, pixels = film(16, intruder=(12.0, 14.0), seed=7)
    shown = np.concatenate([pixels[:20], at_night(pixels[20:])])
    scores = score(Detector(engine, {"gate": both.profile}), times, shown)
    regimes = [one.regime for one in scores.situations]
    assert regimes[:20] == ["day"] * 20
    assert set(regimes[25:]) == {"infrared"}
    assert all(one.enrolled for one in scores.situations)
    assert scores.threshold[0] == np.float32(both.profile.threshold)
    assert scores.threshold[-1] == np.float32(both.profile.others["infrared"].threshold)
    flagged = scores.score >= scores.threshold
    assert not flagged[:59].any(), "neither the switch nor people in infrared"
    assert flagged[61:70].any(), "what rushes across the lawn is found at night too"


def test_a_night_that_was_never_enrolled_raises_no_alarm_by_itself(engine: OpenVinoEngine, place: Profile) -> None:
    times, pixels = film(16, seed=7)
    shown = np.concatenate([pixels[:20], at_night(pixels[20:])])
    scores = score(Detector(engine, {"gate": place}), times, shown)
    assert not (scores.score >= scores.threshold).any()
    assert not scores.situations[-1].enrolled
    lower = score(Detector(engine, {"gate": place.with_threshold(2.5)}), times, shown)
    assert any(one.suppressed for one in lower.situations), "what would have been an alarm and is none is counted"


def test_too_little_of_a_night_is_said_and_the_day_is_learnt(engine: OpenVinoEngine, network: Network) -> None:
    enrolment = Enrolment(engine, network, EnrolmentSettings())
    enrolment.stretch("dusk", still=False)
    times, pixels = film(18)
    enrolment.add(times, np.concatenate([pixels[:65], at_night(pixels[65:])]))
    made = enrolment.finish()
    assert list(made.profile.regimes) == ["day"]
    assert [line for line in made.warnings if line.startswith("in infrared: ") and "at least 50 frames" in line]


def test_a_lamp_that_is_lit_is_no_alarm_and_what_comes_in_its_light_is(engine: OpenVinoEngine, place: Profile) -> None:
    times, pixels = film(16, intruder=(12.0, 14.0), seed=7)
    rows, columns = np.indices(pixels.shape[1:3])
    pool = np.exp(-((columns - 90) ** 2 + (rows - 160) ** 2) / 9000)[..., None]
    lit = np.clip(pixels[20:] * (1.1 + 0.35 * pool), 0, 255).astype(np.uint8)
    scores = score(Detector(engine, {"gate": place}), times, np.concatenate([pixels[:20], lit]))
    flagged = scores.score >= scores.threshold
    assert not flagged[:59].any()
    assert flagged[60:71].any()
    changing = [one.changing for one in scores.situations]
    assert changing[20]
    assert not any(changing[:20] + changing[28:])
