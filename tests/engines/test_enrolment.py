from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.contract import Progress
from engines.detector import Detector
from engines.enrolment import Enrolled, Enrolment, EnrolmentSettings
from engines.errors import EnrolmentError
from engines.footage import Footage
from engines.network.files import Network
from engines.profile import Profile
from engines.runtime.openvino import OpenVinoEngine
from tests.engines.conftest import film, score


def enrolment(engine: OpenVinoEngine, network: Network) -> Enrolment:
    return Enrolment(engine, network, EnrolmentSettings())


def test_a_profile_tells_what_it_was_made_of(enrolled: Enrolled, network: Network) -> None:
    told = enrolled.profile.provenance
    assert told["sources"] == [{"source": "normal", "frames": 200, "sha256": "a5" * 32}]
    assert told["frames"]["kept"] == 200
    assert told["seconds"] == pytest.approx(39.8)
    assert told["settings"]["false_alarms_per_day"] == 100
    assert told["network"] == network.id
    assert told["figures"]["threshold"] == enrolled.profile.threshold
    assert told["versions"].keys() == {"vigil", "commit", "engines", "python", "numpy"}
    assert told["training"]["recipe_id"] == network.provenance["recipe_id"]
    assert isinstance(told["training"]["seed"], int)
    assert told["settings"]["seed"] == 0
    assert told["engine"]["precision"]


def test_a_profile_tells_how_sure_its_threshold_is(enrolled: Enrolled) -> None:
    told = enrolled.profile.provenance["figures"]
    low, high = told["rate_interval"]
    assert told["rate"] == 100
    assert low < 100 < high
    assert high >= told["rate_ceiling"] >= 3.6 * 86400 / enrolled.seconds
    assert enrolled.seconds == pytest.approx(39.8)


def test_says_how_far_little_footage_is_stretched(engine: OpenVinoEngine, network: Network) -> None:
    short = enrolment(engine, network)
    short.stretch("short", still=False)
    short.add(*film(12))
    made = short.finish()
    assert any("0.2 minutes of footage" in line for line in made.warnings)


def test_reports_its_progress(engine: OpenVinoEngine, network: Network) -> None:
    seen: list[Progress] = []
    short = enrolment(engine, network)
    short.stretch("short", still=False)
    short.add(*film(12))
    first = short.finish(seen.append).profile
    assert seen
    assert all(each.total and each.done <= each.total and each.what for each in seen)
    again = enrolment(engine, network)
    again.stretch("short", still=False)
    again.add(*film(12))
    second = again.finish().profile
    for name, values in first.arrays.items():
        # The last bit of a sum depends on where in memory its terms lie.
        np.testing.assert_allclose(values, second.arrays[name], rtol=1e-6, atol=1e-7, err_msg=f"{name} differs")


def test_what_is_unlike_the_rest_is_left_out_and_told(engine: OpenVinoEngine, network: Network) -> None:
    mixed = enrolment(engine, network)
    mixed.stretch("lawn", still=False)
    mixed.add(*film(60, intruder=(30.0, 31.5)))
    made = mixed.finish()
    assert made.left_out
    assert {each.source for each in made.left_out} == {"lawn"}
    assert all(24 <= each.time_s <= 34 for each in made.left_out)
    times, pixels = film(8, intruder=(4.0, 6.0), seed=7)
    scores = score(Detector(engine, {"gate": made.profile}), times, pixels)
    assert scores.score[21:29].max() > 3 * scores.score[:20].max(), "it was not learnt"


@pytest.mark.parametrize(("seconds", "still"), [(4, False), (3, True)])
def test_too_little_footage_is_refused(engine: OpenVinoEngine, network: Network, seconds: int, still: bool) -> None:
    short = enrolment(engine, network)
    short.stretch("short", still=still)
    short.add(*film(seconds))
    with pytest.raises(EnrolmentError, match="too few to learn from"):
        short.finish()


def test_nothing_at_all_is_refused(engine: OpenVinoEngine, network: Network) -> None:
    with pytest.raises(EnrolmentError, match="too few"):
        enrolment(engine, network).finish()


def test_stills_and_films_do_not_mix(engine: OpenVinoEngine, network: Network) -> None:
    both = enrolment(engine, network)
    both.stretch("film", still=False)
    with pytest.raises(EnrolmentError, match="apart"):
        both.stretch("stills", still=True)


def test_frames_of_another_size_are_refused(engine: OpenVinoEngine, network: Network) -> None:
    wrong = enrolment(engine, network)
    with pytest.raises(EnrolmentError, match="stretch"):
        wrong.add([0.0], np.zeros((1, 256, 256, 3), np.uint8))
    wrong.stretch("wrong", still=False)
    with pytest.raises(EnrolmentError, match="resize"):
        wrong.add([0.0], np.zeros((1, 128, 128, 3), np.uint8))


def stills(count: int, *, spot: bool = False, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Pictures of a grained plate, with a dark spot or without."""
    rng = np.random.default_rng(seed)
    plates = np.clip(rng.normal(140, 6, (count, 256, 256, 3)) + rng.normal(0, 3, (count, 1, 1, 1)), 0, 255)
    if spot:
        plates[:, 100:124, 60:84] = 40
    return plates.astype(np.uint8)


def test_stills_have_no_motion_and_no_order(engine: OpenVinoEngine, network: Network) -> None:
    plates = enrolment(engine, network)
    plates.stretch("plates", still=True)
    plates.add(list(map(float, range(40))), stills(40))
    enrolled = plates.finish()
    profile = enrolled.profile
    assert profile.still
    assert enrolled.budget.wanted == 0.05, "two of 40: fewer would hang on the oddest one"
    assert any("300 pictures aim at 1 of 100" in line for line in enrolled.warnings)
    thresholds = [one.threshold for one in enrolled.choices]
    assert thresholds == sorted(thresholds, reverse=True)
    assert profile.threshold == next(one.threshold for one in enrolled.choices if one.wanted == 0.05)
    shown = np.concatenate([stills(2, seed=5), stills(2, spot=True, seed=6)])
    forward = score(Detector(engine, {"gate": profile}), [0.0, 1.0, 2.0, 3.0], shown)
    backward = score(Detector(engine, {"gate": profile}), [0.0, 1.0, 2.0, 3.0], shown[::-1])
    np.testing.assert_allclose(forward.score, backward.score[::-1], atol=1e-5)
    assert (forward.signals["motion"] == 0).all()
    np.testing.assert_array_equal(forward.score >= forward.threshold, [False, False, True, True])


def test_long_footage_is_kept_evenly_and_within_bounds() -> None:
    footage = Footage((256, 256), most=200)
    footage.begin("long", still=False)
    blank = np.zeros((256, 256, 3), np.uint8)
    for index in range(3000):
        blank[0, 0] = index % 256
        footage.add(index / 2, blank)
        assert len(footage.kept) <= 232, "at most one block more than the bound while it thins"
    times = np.array([kept.time_s for kept in footage.kept])
    assert times[0] == 0
    assert times[-1] > 1200
    assert np.diff(times).max() < 1500 / 5
    assert footage.counts == [3000]
    assert footage.duration_s == pytest.approx(1499.5)
    for index in range(0, len(footage.kept), 9):
        assert footage.pixels(index)[0, 0, 0] == round(footage.kept[index].time_s * 2) % 256
    footage.close()


def test_a_profile_is_small(place: Profile, tmp_path: Path) -> None:
    place.save(tmp_path / "gate.vigil")
    embedded = len(place.network.to_bytes())
    assert (tmp_path / "gate.vigil").stat().st_size - embedded < 5e6
