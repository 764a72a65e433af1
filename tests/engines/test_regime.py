from __future__ import annotations

import time
from itertools import pairwise

import cv2
import numpy as np
import pytest

from engines.allowance import Allowance
from engines.contract import Pixels, Regime
from engines.footage import Footage
from engines.light import blocks_of, fit_light
from engines.regime import RegimeWatch, regime_of
from engines.sorting import SortedFootage
from engines.surroundings import Surroundings
from engines.transition import LightWatch
from tests.engines.test_light import gain, gamma, scene


def grey(pixels: Pixels) -> Pixels:
    """As a camera sends it in infrared, with what compression leaves of colour."""
    one = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(np.clip(one.astype(int) + np.array([1, 0, -1]), 0, 255), np.uint8)


def foggy(pixels: Pixels) -> Pixels:
    """A day on which next to nothing of the colours is left."""
    return np.asarray(cv2.addWeighted(pixels, 0.12, np.full_like(pixels, 180), 0.88, 0), np.uint8)


def watch(*frames: Pixels, step_s: float = 0.2) -> list[Regime]:
    camera = RegimeWatch()
    return [camera.observe(index * step_s, blocks_of(frame)) for index, frame in enumerate(frames)]


def test_day_and_infrared_are_told_apart_after_a_moment() -> None:
    seen = watch(*[scene(1)] * 3, *[grey(scene(1))] * 6, *[scene(1)] * 6)
    assert seen[:5] == ["day"] * 5, "one grey frame is no night"
    assert seen[7] == "infrared"
    assert seen[-1] == "day"


def test_a_flash_of_grey_changes_nothing() -> None:
    assert set(watch(*[scene(1), grey(scene(1))] * 5)) == {"day"}


def test_fog_is_a_day() -> None:
    assert set(watch(*[scene(1)] * 3, *[foggy(scene(1))] * 10)) == {"day"}


def test_a_camera_that_knows_no_colour_has_one_regime() -> None:
    assert set(watch(*[grey(scene(seed)) for seed in range(10)])) == {"infrared"}


def test_a_black_picture_tells_nothing_of_colour() -> None:
    black = np.zeros_like(scene())
    assert set(watch(*[scene(1)] * 3, *[black] * 10)) == {"day"}
    assert set(watch(*[grey(scene(1))] * 3, *[black] * 10)) == {"infrared"}


def test_the_regime_of_an_older_profile_is_that_of_its_usual_light() -> None:
    assert regime_of(blocks_of(scene())) == "day"
    assert regime_of(blocks_of(grey(scene()))) == "infrared"
    assert regime_of(None) == "day"


def changes(*frames: Pixels, step_s: float = 0.2) -> list[bool]:
    light = LightWatch()
    return [light.observe(index * step_s, frame) for index, frame in enumerate(frames)]


def lamp(pixels: Pixels) -> Pixels:
    rows, columns = np.indices(pixels.shape[:2])
    pool = np.exp(-((columns - 90) ** 2 + (rows - 160) ** 2) / 9000)[..., None]
    return np.asarray(np.clip(pixels * (1.15 + 0.8 * pool), 0, 255), np.uint8)


@pytest.mark.parametrize("change", [lamp, gain(0.7), gamma(1.5), grey])
def test_a_change_of_light_is_one_and_ends(change: object) -> None:
    assert callable(change)
    # Infrared changes brightness as well, as materials reflect it otherwise.
    dim = gain(0.8) if change is grey else gain(1.0)
    seen = changes(*[scene(s) for s in range(8)], *[dim(change(scene(s))) for s in range(8, 30)])
    assert not any(seen[:8])
    assert seen[8], "at once"
    assert not any(seen[15:]), "and over after a second"
    assert sum(a != b for a, b in pairwise(seen)) == 2, "one change, not several"


def test_a_cloud_that_takes_seconds_is_one_change() -> None:
    shares = [1.0] * 8 + [1 - 0.02 * step for step in range(1, 16)] + [0.7] * 15
    seen = changes(*[gain(share)(scene(index)) for index, share in enumerate(shares)])
    assert not any(seen[:8])
    assert sum(a != b for a, b in pairwise(seen)) == 2
    assert not any(seen[-8:])


def test_what_comes_near_the_camera_is_no_change_of_light() -> None:
    covered = scene(3)
    covered[:, 40:] = np.random.default_rng(5).integers(0, 255, (16, 14, 3)).repeat(16, 0).repeat(16, 1)[:, :216]
    assert not any(changes(*[scene(s) for s in range(6)], *[covered] * 6))


def jolts(*frames: Pixels) -> list[bool]:
    light, seen = LightWatch(), []
    for index, frame in enumerate(frames):
        light.observe(index / 5, frame)
        seen.append(light.jolted)
    return seen


def test_motion_is_searched_for_while_the_exposure_follows_and_not_across_a_lamp() -> None:
    followed = [gain(0.4 * (1 + 0.8 * 0.7**step))(scene(1)) for step in range(8)]
    assert changes(gain(0.4)(scene(1)), *followed)[1], "the light changes"
    assert not any(jolts(gain(0.4)(scene(1)), *followed))
    assert jolts(*[scene(1)] * 3, *[lamp(scene(1))] * 3) == [False] * 3 + [True] + [False] * 2


def test_a_hold_is_no_gap_and_no_change() -> None:
    light = LightWatch()
    light.observe(0.0, scene(1))
    light.hold(30.0)
    assert not light.observe(30.2, scene(2))
    assert light.observe(30.4, gain(0.6)(scene(3)))


def test_it_costs_next_to_nothing() -> None:
    camera, frame = Surroundings({"day": fit_light(blocks_of(scene())[None])}), scene(3)
    began = time.process_time()
    for index in range(100):
        camera.observe(index / 5, frame)
    assert (time.process_time() - began) / 100 < 0.002


def test_a_regime_that_was_not_enrolled_is_said_and_judged_by_the_other() -> None:
    camera = Surroundings({"day": fit_light(blocks_of(scene())[None])})
    frames = [scene(s) for s in range(5)] + [grey(scene(s)) for s in range(10)]
    seen = [camera.observe(index / 5, frame) for index, frame in enumerate(frames)]
    assert [one.situation.enrolled for one in seen[:5]] == [True] * 5
    assert not seen[-1].situation.enrolled
    assert {one.standard for one in seen} == {"day"}
    assert sum(one.begins for one in seen) == 1


def test_what_the_light_makes_strange_all_around_is_allowed_and_an_object_is_not() -> None:
    allowance = Allowance()
    normal = np.full((32, 32), 0.5, np.float32)
    lit = np.full((32, 32), 3.0, np.float32)
    with_object = lit.copy()
    with_object[10:14, 20:23] = 9.0
    allowance.step(0.0, normal, changing=False)
    allowance.step(0.2, with_object, changing=True)
    left = allowance.left(with_object[None])[0]
    assert left[0, 0] < 1
    assert left[11, 21] > 2
    for index in range(6):
        allowance.step(0.4 + index / 5, lit, changing=True)
    allowance.step(1.6, lit, changing=False)
    assert allowance.left(lit[None]).max() <= 1
    assert allowance.left(with_object[None]).max() > 2, "what comes later counts"


def test_an_allowance_goes_when_the_light_comes_back() -> None:
    allowance = Allowance()
    for index in range(6):
        allowance.step(index / 5, np.full((32, 32), 3.0, np.float32), changing=True)
    usual = np.full((32, 32), 0.5, np.float32)
    for index in range(6, 3000):
        allowance.step(index / 5, usual, changing=False)
    assert allowance.left(usual[None]) is not None
    assert allowance.by is None


def test_what_was_strange_before_the_light_changed_stays_strange() -> None:
    allowance = Allowance()
    before = np.full((32, 32), 0.5, np.float32)
    before[10:13, 10:13] = 6.0
    allowance.step(0.0, before, changing=False)
    for index in range(6):
        allowance.step(0.2 + index / 5, before + 0.6, changing=True)
    allowance.step(1.6, before + 0.6, changing=False)
    assert allowance.left((before + 0.6)[None])[0, 11, 11] > 3


@pytest.mark.parametrize("learnt", [True, False])
def test_what_stays_strange_after_a_switch_is_the_lights_doing_unless_its_regime_was_learnt(learnt: bool) -> None:
    allowance = Allowance(learnt)
    strange = np.full((32, 32), 0.6, np.float32)
    strange[10:13, 10:13] = 6.0
    for index in range(3):
        allowance.step(index / 5, strange + 2, changing=True, switching=True)
        assert allowance.left(strange[None] + 2).max() < 1, "the picture is of no regime"
    for index in range(3, 8):
        allowance.step(index / 5, strange, changing=True)
    assert (allowance.left(strange[None]).max() > 4) == learnt
    allowance.step(1.6, strange, changing=False)
    assert (allowance.left(strange[None]).max() > 4) == learnt
    for index in range(10, 18):
        allowance.step(index / 5, strange + 2, changing=True)
    allowance.step(3.6, strange + 2, changing=False)
    assert allowance.left(strange[None] + 2).max() < 4, "a lamp that is lit later was not learnt"


def sorted_footage(*stretches: list[Pixels]) -> dict[Regime, Footage]:
    footage = SortedFootage(lambda: Footage((256, 256), most=500))
    for number, stretch in enumerate(stretches):
        footage.begin(f"clip {number}", still=False, sha256=None)
        for index, frame in enumerate(stretch):
            footage.add(index / 5, frame)
    parts = dict(footage.by_length())
    for part in parts.values():
        part.close()
    return parts


def test_footage_of_one_regime_is_kept_whole() -> None:
    for change in (lambda p: p, grey, foggy):
        frames = [change(scene(s)) for s in range(12)]
        frames[5] = grey(frames[5])
        parts = sorted_footage(frames, frames)
        assert [sum(part.counts) for part in parts.values()] == [24]


def test_footage_is_sorted_by_regime_and_what_is_between_is_left_out() -> None:
    parts = sorted_footage([scene(1)] * 20 + [grey(scene(1))] * 30, [scene(1)] * 20)
    assert parts["day"].counts == [20, 20]
    assert 10 <= parts["infrared"].counts[0] <= 20
    assert parts["infrared"].sources == ["clip 0"]
