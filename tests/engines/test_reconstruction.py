"""What is left of a frame when the normal scene is taken from it."""

from __future__ import annotations

import numpy as np

from engines.contract import Decoded, Floats
from engines.reconstruction import Reconstruction, Residuals, remainders, residuals_of, residuals_of_pictures

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


def test_a_frame_is_measured_by_what_is_left_of_it_beside_what_is_normally_left() -> None:
    rng = np.random.default_rng(0)
    shape = (1, 16, 16, 5)  # more places than are compared at a time
    features, regenerated = (rng.normal(size=shape).astype(np.float32) for _ in range(2))
    pixels = rng.integers(0, 256, (1, _SIDE, _SIDE, 3), np.uint8)
    picture = rng.random((1, _SIDE, _SIDE, 3), np.float32)
    normal = rng.normal(size=shape[1:]).astype(np.float32)
    model = Reconstruction(normal, picture[0] / 9, *rng.random((2, 16, 16), np.float32) + 1)
    residuals = residuals_of(features, pixels, Decoded(regenerated.copy(), picture.copy()))
    left = remainders(residuals, model.features, model.picture)[0]
    np.testing.assert_allclose(left, np.sqrt(np.square(features - regenerated - normal).mean(-1)), rtol=1e-5)
    at_once = model.compare_regenerated(features, regenerated, residuals_of_pictures(pixels, picture.copy()))
    np.testing.assert_allclose(at_once, model.compare(residuals), rtol=1e-5)
