from __future__ import annotations

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the learn extra")

import msgspec
import torch

from engines.learning.augment import relight
from engines.learning.procedural import leaves, procedural
from engines.learning.recipe import ViewSettings, read_recipe
from engines.learning.views import WHOLE, align, closer, make_view, same_camera

LIGHT = read_recipe().augmentation
UNLIT = msgspec.convert(dict.fromkeys(LIGHT.__struct_fields__, 0) | {"crop_area": 1.0}, type(LIGHT))


def shrunk(picture: np.ndarray) -> torch.Tensor:
    """The picture as if it were codes: [1, 3, 32, 32]."""
    small = cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    return torch.from_numpy(small).permute(2, 0, 1)[None]


def test_places_of_a_closer_look_are_found_again() -> None:
    picture = cv2.GaussianBlur(leaves(np.random.default_rng(0), 256), (0, 0), 8).astype(np.uint8)
    view = closer(picture, UNLIT, np.random.default_rng(1))
    assert view.window != WHOLE
    aligned = align(shrunk(picture), np.array([view.window], np.float32))
    apart, unaligned = ((shrunk(view.pixels) - codes).abs().mean() for codes in (aligned, shrunk(picture)))
    assert apart < 0.2 * unaligned


def test_a_whole_window_leaves_codes_where_they_are() -> None:
    codes = torch.randn(2, 5, 32, 32)
    torch.testing.assert_close(align(codes, np.array([WHOLE, WHOLE], np.float32)), codes, atol=1e-4, rtol=1e-4)


def test_relighting_moves_nothing() -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[20:30, 40:50] = 200
    for seed in range(8):
        lit = relight(picture, LIGHT, np.random.default_rng(seed)).astype(float).mean(-1)
        inside = lit[22:28, 42:48].mean()
        assert abs(inside - lit[:18].mean()) > 5
        assert abs(inside - lit[20:30, 40:50].mean()) < abs(inside - lit[:18].mean()) / 2


def test_moments_of_one_camera_are_told_from_another_camera() -> None:
    one, other = (procedural(np.random.default_rng(seed), 128) for seed in (0, 1))
    later = one.copy()
    later[40:60, 40:60] = 255
    assert same_camera(one, later)
    assert not same_camera(one, other)
    assert not same_camera(one, one[:64])
    assert not same_camera(np.zeros_like(one), np.zeros_like(one))


def test_kinds_of_view_follow_their_shares() -> None:
    picture, moment = (procedural(np.random.default_rng(seed), 256) for seed in (0, 1))
    rng = np.random.default_rng(0)
    moments = ViewSettings(count=1, moments=1.0)
    views = [make_view(picture, moment, moments, UNLIT, rng) for _ in range(4)]
    assert all(np.abs(view.pixels.astype(int) - moment).max() <= 1 for view in views)
    assert make_view(picture, None, moments, UNLIT, rng).window == WHOLE
    assert make_view(picture, None, ViewSettings(count=1, scales=1.0), UNLIT, rng).window != WHOLE
    np.testing.assert_allclose(make_view(picture, None, ViewSettings(count=1), UNLIT, rng).pixels, picture, atol=1)
