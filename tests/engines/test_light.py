from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.contract import Pixels
from engines.light import Light, blocks_of, even_out_all, fit_light


def scene(seed: int = 0) -> Pixels:
    """A place of many brightnesses and colours, with the sensor's noise."""
    rng = np.random.default_rng(seed)
    coarse = np.random.default_rng(99).integers(20, 220, (12, 12, 3)).astype(np.uint8)
    place = cv2.resize(coarse, (256, 256), interpolation=cv2.INTER_CUBIC).astype(float)
    return np.clip(place + rng.normal(0, 3, place.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def light() -> Light:
    return fit_light(np.stack([blocks_of(scene(seed)) for seed in range(20)]))


def apart(one: Pixels, other: Pixels) -> float:
    """Mean difference in grey levels, noise averaged away."""
    blurred = [cv2.GaussianBlur(each, (0, 0), 4).astype(float) for each in (one, other)]
    return float(np.abs(blurred[0] - blurred[1]).mean())


def gain(share: float) -> Callable[[Pixels], Pixels]:
    return lambda pixels: np.asarray(cv2.convertScaleAbs(pixels, alpha=share), np.uint8)


def gamma(power: float) -> Callable[[Pixels], Pixels]:
    levels = np.rint(255 * np.linspace(0, 1, 256) ** power).astype(np.uint8)
    return lambda pixels: np.asarray(cv2.LUT(pixels, levels), np.uint8)


def warm(pixels: Pixels) -> Pixels:
    return np.asarray(np.clip(pixels * np.array([1.12, 1.0, 0.85]), 0, 255), np.uint8)


@pytest.mark.parametrize("change", [gain(0.8), gain(0.5), gain(1.15), gamma(0.7), gamma(1.4), warm])
def test_a_change_of_light_is_undone(light: Light, change: Callable[[Pixels], Pixels]) -> None:
    changed = change(scene(50))
    assert apart(light.even_out(changed), scene(50)) < 0.2 * apart(changed, scene(50)) + 0.5


def test_usual_light_is_left_as_it_is(light: Light) -> None:
    assert apart(light.even_out(scene(51)), scene(51)) < 0.5


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 20, 20)])
def test_something_large_in_view_does_not_pass_for_a_change_of_light(
    light: Light, colour: tuple[int, int, int]
) -> None:
    """A quarter of the picture is covered; the rest stays, and what covers it stays as odd as it was."""
    covered = scene(52)
    covered[60:188, 60:188] = colour
    evened = light.even_out(covered)
    rest = np.ones((256, 256), np.bool_)
    rest[50:198, 50:198] = False
    assert np.abs(evened[rest].astype(int) - covered[rest]).mean() < 2
    assert np.abs(evened[100:150, 100:150].astype(int) - covered[100:150, 100:150]).mean() < 12


def test_something_in_view_stays_when_the_light_changes_too(light: Light) -> None:
    covered = scene(53)
    covered[100:180, 40:90] = (250, 30, 30)
    evened = light.even_out(gain(0.6)(covered))
    assert apart(evened, covered) < 4
    assert evened[120:160, 50:80, 0].mean() > evened[120:160, 50:80, 2].mean() + 120


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1000), kind=st.sampled_from(["black", "white", "noise", "flat", "stripes"]))
def test_any_frame_gives_a_frame_and_order_is_kept(light: Light, seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    frames = {
        "black": np.zeros((256, 256, 3), np.uint8),
        "white": np.full((256, 256, 3), 255, np.uint8),
        "noise": rng.integers(0, 256, (256, 256, 3)).astype(np.uint8),
        "flat": np.full((256, 256, 3), rng.integers(0, 256), np.uint8),
        "stripes": np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (256, 1, 3)),
    }
    frame = frames[kind]
    before = frame.copy()
    evened = light.even_out(frame)
    np.testing.assert_array_equal(frame, before, err_msg="the frame given was changed")
    assert evened.dtype == np.uint8
    assert evened.shape == frame.shape
    ramp = light.even_out(frames["stripes"])[0].astype(int)
    assert (np.diff(ramp, axis=0) >= 0).all()


def test_it_costs_next_to_nothing(light: Light) -> None:
    frame = scene(54)
    began = time.process_time()
    for _ in range(50):
        light.even_out(frame)
    assert (time.process_time() - began) / 50 < 0.002


def test_comes_back_from_a_profile(light: Light) -> None:
    again = Light.from_arrays(light.to_arrays())
    assert again is not None
    frame = gain(0.7)(scene(55))
    np.testing.assert_array_equal(again.even_out(frame), light.even_out(frame))
    assert Light.from_arrays({}) is None


def test_frames_of_several_cameras_are_evened_out_at_once_as_each_alone() -> None:
    lights = [
        fit_light(np.stack([blocks_of(scene(seed)) for seed in range(first, first + 5)])) for first in (1, 11, 21)
    ]
    frames = [scene(50), np.asarray(scene(51) * 0.6, np.uint8), scene(52)]
    into = [np.empty_like(frame) for frame in frames]
    even_out_all(list(zip(lights, map(blocks_of, frames), frames, into, strict=True)))
    for light, frame, evened in zip(lights, frames, into, strict=True):
        np.testing.assert_array_equal(evened, light.even_out(frame))
    even_out_all([])
