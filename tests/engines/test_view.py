"""A view is told from what moved, covered or blurred it, and not from light."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engines.contract import Pixels
from engines.enrolment import Enrolled
from engines.stillness import Stillness, stir
from engines.view import View, fit_view, look_at
from tests.engines.conftest import film


@pytest.fixture(scope="module")
def frames() -> Pixels:
    return film(8)[1]


@pytest.fixture(scope="module")
def view(frames: Pixels) -> View:
    return fit_view([look_at(frame) for frame in frames], still_s=0.0)


def shifted(pixels: Pixels, right: float, down: float) -> Pixels:
    move = np.array([[1, 0, right], [0, 1, down]], np.float32)
    return np.asarray(cv2.warpAffine(pixels, move, (256, 256), borderMode=cv2.BORDER_REFLECT), np.uint8)


def test_ordinary_frames_agree_with_their_view(frames: Pixels, view: View) -> None:
    for frame in frames:
        beside = view.compare(look_at(frame))
        assert beside.agreement > 0.8
        assert beside.kept > 0.8
        assert beside.emptied < 0.1
        assert abs(beside.sharp) < 0.15


@pytest.mark.parametrize(("gain", "offset"), [(0.25, 0), (0.6, 20), (0.4, 120), (-0.8, 230)])
def test_light_leaves_edges_in_their_place(frames: Pixels, view: View, gain: float, offset: float) -> None:
    lit = np.asarray(np.clip(frames[0] * gain + offset, 0, 255), np.uint8)
    assert view.compare(look_at(lit)).agreement > 0.7


def test_blur_takes_sharpness_and_leaves_the_place(frames: Pixels, view: View) -> None:
    blurred = np.asarray(cv2.GaussianBlur(frames[0], (0, 0), 3), np.uint8)
    beside = view.compare(look_at(blurred))
    assert beside.agreement > 0.5
    assert beside.sharp < -0.6


@pytest.mark.parametrize(("right", "down"), [(24, 0), (-16, 12), (0, -40)])
def test_a_shift_is_found(frames: Pixels, view: View, right: int, down: int) -> None:
    look = look_at(shifted(frames[0], right, down))
    assert view.compare(look).agreement < 0.75
    assert view.shift(look)[:2] == pytest.approx((right / 256, down / 256), abs=1 / 64)


def test_a_view_survives_its_profile(enrolled: Enrolled, view: View, frames: Pixels) -> None:
    learnt = View.from_arrays(enrolled.profile.arrays)
    assert learnt is not None
    assert learnt.structured
    assert learnt.compare(look_at(frames[0])).kept > 0.8
    again = View.from_arrays(view.to_arrays())
    assert again is not None
    np.testing.assert_allclose(again.edges, view.edges, atol=2e-3)


def test_a_profile_without_a_view_has_none() -> None:
    assert View.from_arrays({}) is None


def test_an_empty_view_has_no_structure() -> None:
    rng = np.random.default_rng(0)
    fog = [np.asarray(rng.normal(150, 3, (256, 256, 3)).clip(0, 255), np.uint8) for _ in range(20)]
    assert not fit_view([look_at(frame) for frame in fog], still_s=0.0).structured


def test_a_view_follows_what_it_is_shown_and_keeps_its_sharpness(frames: Pixels, view: View) -> None:
    away = look_at(shifted(frames[0], 40, 0))
    for _ in range(60):
        view = view.followed(away, 0.1)
    assert view.compare(away).agreement > 0.8
    assert view.sharp is view.followed(away, 0.1).sharp


def test_noise_differs_from_frame_to_frame_and_a_frozen_picture_does_not(frames: Pixels) -> None:
    greys = [np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8) for frame in frames[:10]]
    stillness = Stillness()
    assert [stillness.step(float(i), grey) for i, grey in enumerate(greys)] == [0.0] * 10
    assert stir(greys[0], greys[1]) > 0.5
    assert [stillness.step(10.0 + i, greys[-1]) for i in range(4)] == [1.0, 2.0, 3.0, 4.0]


def test_a_frozen_picture_that_is_coded_anew_each_second_is_still_the_same(frames: Pixels) -> None:
    grey = np.asarray(cv2.cvtColor(frames[0], cv2.COLOR_RGB2GRAY), np.uint8)
    coded = [grey, *(np.clip(grey.astype(int) + change, 0, 255).astype(np.uint8) for change in (1, 2))]
    stillness = Stillness()
    lasted = [stillness.step(i / 5, coded[i % 3]) for i in range(15)]
    assert lasted[-1] >= 2.0
