from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="needs the learn extra")

from engines.learning.anomalies import blend, paste, plant, texture
from engines.learning.procedural import procedural
from engines.learning.recipe import AnomalySettings

PICTURE, OTHER = (procedural(np.random.default_rng(seed), 256) for seed in (11, 12))


@pytest.mark.parametrize("make", [paste, blend, texture])
@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**31))
def test_only_what_is_said_to_be_spoilt_is(make: Callable, seed: int) -> None:  # type: ignore[type-arg]  # one of three
    out, alpha = make(PICTURE, OTHER, np.random.default_rng(seed))
    assert out.dtype == np.uint8
    assert out.shape == PICTURE.shape
    assert 0 < alpha.mean() < 0.5
    different = (out != PICTURE).any(-1)
    assert not different[alpha == 0].any()
    assert make is blend or different[alpha > 0].mean() > 0.3


def test_a_patch_is_of_the_other_picture() -> None:
    out, alpha = paste(np.zeros_like(OTHER), np.full_like(OTHER, 7), np.random.default_rng(0))
    assert (out[alpha > 0] == 7).all()


def test_a_blended_patch_has_no_seam() -> None:
    """Along its rim a blended patch steps less than a pasted one."""
    flat, bright = np.full((256, 256, 3), 60, np.uint8), np.full((256, 256, 3), 200, np.uint8)
    bright[::8] = 140
    steps = []
    for make in (paste, blend):
        out, alpha = make(flat, bright, np.random.default_rng(3))
        rim = np.abs(np.diff(alpha, axis=1)) > 0
        steps.append(np.abs(np.diff(out.astype(int), axis=1)).max(-1)[rim].mean())
    assert steps[1] < 0.4 * steps[0]


def test_shares_tell_how_much_of_each_place_is_spoilt() -> None:
    only = AnomalySettings(count=1, patches=1, blends=0, textures=0)
    spoilt, shares = plant(np.zeros_like(OTHER), np.full_like(OTHER, 9), only, np.random.default_rng(4))
    assert shares.shape == (32, 32)
    np.testing.assert_allclose(shares, (spoilt[..., 0] > 0).reshape(32, 8, 32, 8).mean((1, 3)), atol=1e-5)


def test_what_looks_as_before_is_not_spoilt() -> None:
    only = AnomalySettings(count=1, patches=1, blends=0, textures=0)
    _, shares = plant(np.full_like(OTHER, 50), np.full_like(OTHER, 52), only, np.random.default_rng(4))
    assert shares.max() == 0


def test_shapes_cut_out_of_noise_are_not_rectangles() -> None:
    _, alpha = texture(PICTURE, OTHER, np.random.default_rng(5))
    rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    box = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
    assert alpha.sum() < 0.7 * box
