"""What is left of a frame when the normal scene is taken from it."""

from __future__ import annotations

import numpy as np

from engines.contract import Decoded, Floats
from engines.reconstruction import Residuals, residuals_of

_SIDE = 64


def _residuals(scene: Floats) -> Residuals:
    """Of a grey scene, float32 [S, S] in 0..255, regenerated as even grey."""
    pixels = np.repeat(scene[None, ..., None], 3, axis=-1).round().astype(np.uint8)
    features = np.zeros((1, 8, 8, 4), np.float32)
    return residuals_of(features, pixels, Decoded(features, np.full((1, _SIDE, _SIDE, 3), 0.5, np.float32)))


def test_shade_that_falls_slowly_over_the_frame_is_taken_off() -> None:
    shade = np.linspace(-30, 30, _SIDE, dtype=np.float32)[None].repeat(_SIDE, axis=0)
    even = np.full((_SIDE, _SIDE), 127.5, np.float32)
    left = np.abs(_residuals(even + shade).picture)
    assert np.abs(_residuals(even).picture).max() < 0.01
    assert left.mean() < 0.2 * np.abs(shade).mean() / 255


def test_a_thing_smaller_than_a_quarter_of_the_picture_stays() -> None:
    scene = np.full((_SIDE, _SIDE), 127.5, np.float32)
    scene[20:30, 20:30] += 60
    left = _residuals(scene).picture[0, ..., 0]
    assert left[22:28, 22:28].min() > 0.8 * 60 / 255
    assert np.abs(left[45:]).max() < 0.1 * 60 / 255
