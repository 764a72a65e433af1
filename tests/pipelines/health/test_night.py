"""Infrared is another regime, with a view of its own: it is no fault, and faults by night are named all the same."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from engines.contract import Pixels, Regime
from engines.view import View, fit_view, look_at
from tests.pipelines.health.watched import Watched, covered, frozen, noisy, place, seconds, shifted, usual


def night(pixels: Pixels, number: int, blur: float = 1.2, noise: float = 1.0) -> Pixels:
    """Grey, lit from beside the lens, softer than the day, with some noise."""
    grey = cv2.GaussianBlur(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (0, 0), blur).astype(np.float32)
    across, down = np.linspace(-1, 1, 256)[None, :], np.linspace(-1, 1, 256)[:, None]
    lit = (30 + 0.6 * grey) * (1.1 - 0.25 * (across**2 + down**2))
    noisy = lit + np.random.default_rng(number).normal(0, noise, lit.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)[..., None].repeat(3, 2)


def soft_night(pixels: Pixels, number: int) -> Pixels:
    """By day this would be a picture out of focus."""
    return night(pixels, number, blur=1.7, noise=0.5)


def dimmed(change: Callable[[Pixels, int], Pixels]) -> Callable[[Pixels, int], Pixels]:
    """A fault of the camera by night."""
    return lambda pixels, number: night(change(pixels, number), number)


def out_of_focus(pixels: Pixels, number: int) -> Pixels:
    return np.asarray(cv2.GaussianBlur(night(pixels, number), (0, 0), 3.5), np.uint8)


def grey_cover(pixels: Pixels, number: int) -> Pixels:
    return np.asarray(covered(pixels, number).mean(2, keepdims=True).repeat(3, 2), np.uint8)


def frozen_night(_: Pixels, __: int) -> Pixels:
    return night(place()[0], 0)


def by_night() -> View:
    return fit_view([look_at(night(frame, number)) for number, frame in enumerate(place())], still_s=0.0)


def test_a_night_that_was_never_enrolled_is_no_fault() -> None:
    assert usual().compare(look_at(soft_night(place()[0], 0))).sharp < -0.6
    camera = Watched()
    camera.watch(seconds(6))
    camera.watch(seconds(20, soft_night))
    camera.watch(seconds(6))
    assert camera.told == []


@pytest.mark.parametrize(("kind", "fault"), [("covered", grey_cover), ("moved", dimmed(shifted(30, 12)))])
def test_in_a_night_that_was_never_enrolled_what_edges_tell_is_named_at_once(
    kind: str, fault: Callable[[Pixels, int], Pixels]
) -> None:
    camera = Watched()
    camera.watch(seconds(6))
    camera.watch(seconds(4, night))
    camera.watch(seconds(3, fault))
    assert camera.begun == [kind]


@pytest.mark.parametrize(("kind", "fault"), [("defocused", out_of_focus), ("frozen", frozen_night)])
def test_the_rest_is_named_once_the_night_is_known(kind: str, fault: Callable[[Pixels, int], Pixels]) -> None:
    camera = Watched()
    camera.watch(seconds(6))
    camera.watch(seconds(70, night))
    assert camera.begun == []
    camera.watch(seconds(3, fault))
    assert camera.begun == [kind]


def test_with_a_night_of_the_profile_all_is_named_at_once() -> None:
    camera = Watched(views={"day": usual(), "infrared": by_night()})
    camera.watch(seconds(6))
    camera.watch(seconds(4, night))
    camera.watch(seconds(3, out_of_focus))
    assert camera.begun == ["defocused"]


def test_a_grey_cover_by_day_is_no_night() -> None:
    camera = Watched()
    camera.watch(seconds(6))
    camera.watch(seconds(80, grey_cover))
    assert camera.begun == ["covered"]
    camera.watch(seconds(4))
    assert [(event.kind, event.phase) for event in camera.told] == [("covered", "begin"), ("covered", "end")]


def test_a_camera_that_repeats_itself_by_night_is_not_frozen() -> None:
    """A good encoder leaves no noise of a quiet night; by day this camera never repeats itself."""

    def quiet(_: Pixels, number: int) -> Pixels:
        return night(place()[number // 14 % len(place())], number // 14)  # the same for 2.8 s

    camera = Watched()
    camera.watch(seconds(6))
    camera.watch(seconds(90, quiet))
    assert camera.begun == []


def test_what_takes_the_colour_away_is_no_night() -> None:
    """A pale camera would stay in a night that a fault had begun: its day has too little colour to end it."""

    def pale(pixels: Pixels, _: int) -> Pixels:
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        return np.asarray(np.stack([np.minimum(grey, 251) + 4, grey, grey], 2), np.uint8)

    views: dict[Regime, View] = {"day": fit_view([look_at(pale(frame, 0)) for frame in place()], still_s=0.0)}
    camera = Watched(views=views)
    camera.watch(seconds(6, pale))
    camera.watch(seconds(4, noisy(8)))
    camera.watch(seconds(4, pale))
    camera.watch(seconds(3, frozen))
    assert camera.begun == ["black", "frozen"]
