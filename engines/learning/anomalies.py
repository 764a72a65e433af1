"""Synthetic anomalies: what does not belong, made from what does.

They are negatives for the one-class objective and never targets of the decoder.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from engines.contract import Floats, Pixels
from engines.learning.recipe import AnomalySettings
from engines.network.encoder import PLACES

_SMALLEST, _LARGEST = 0.06, 0.35
"""Side of what is planted, of the picture's."""
_VISIBLE = 6
"""Grey levels."""
_STRONG, _FAINT = 1.0, 0.35
"""How much of the texture is seen where it is planted."""

Alpha = NDArray[np.float32]


def plant(picture: Pixels, other: Pixels, settings: AnomalySettings, rng: Generator) -> tuple[Pixels, Floats]:
    """Spoil a part of uint8 [S, S, 3] with something made from `other`, of the same size.

    Returns the spoilt picture and the share of each place that is spoilt, float32 [h, w].
    """
    kinds = (paste, blend, texture)
    chances = np.array([settings.patches, settings.blends, settings.textures])
    spoilt, alpha = kinds[int(rng.choice(3, p=chances / chances.sum()))](picture, other, rng)
    # What looks as before is no anomaly, wherever it was planted.
    seen = np.abs(spoilt.astype(np.int16) - picture).max(-1) > _VISIBLE
    share = cv2.resize((alpha > 0) * seen.astype(np.float32), PLACES[::-1], interpolation=cv2.INTER_AREA)
    return spoilt, np.asarray(share, np.float32)


def paste(picture: Pixels, other: Pixels, rng: Generator) -> tuple[Pixels, Alpha]:
    """Paste a rectangle of the other picture (Li et al., CutPaste, CVPR 2021)."""
    patch, alpha, (y, x) = _patch(other, rng)
    out = picture.copy()
    height, width = patch.shape[:2]
    out[y : y + height, x : x + width] = patch
    return out, alpha


def blend(picture: Pixels, other: Pixels, rng: Generator) -> tuple[Pixels, Alpha]:
    """Blend an ellipse of the other picture in without a seam.

    Poisson blending (Perez et al., SIGGRAPH 2003) as by Schlüter et al., Natural synthetic anomalies, ECCV 2022.
    """
    patch, _, (y, x) = _patch(other, rng)
    height, width = patch.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, (width // 2, height // 2), (width // 2 - 2, height // 2 - 2), 0, 0, 360, 255, -1)
    centre = (x + width // 2, y + height // 2)
    out = cv2.seamlessClone(patch, picture, mask, centre, cv2.MIXED_CLONE if rng.random() < 0.5 else cv2.NORMAL_CLONE)
    # OpenCV may be a pixel off: nothing outside the ellipse and its rim is let through.
    alpha = np.zeros(picture.shape[:2], np.float32)
    alpha[y : y + height, x : x + width] = mask / np.float32(255)
    alpha = np.asarray(cv2.dilate(alpha, np.ones((5, 5), np.uint8)), np.float32)
    return np.where(alpha[..., None] > 0, out, picture).astype(np.uint8), alpha


def texture(picture: Pixels, other: Pixels, rng: Generator) -> tuple[Pixels, Alpha]:
    """Cover a shape cut out of noise with the other picture (Zavrtanik et al., DRAEM, ICCV 2021)."""
    size = picture.shape[0]
    noise = _noise(size, int(rng.integers(2, 7)), rng)
    shape = (noise > np.quantile(noise, rng.uniform(0.8, 0.95))).astype(np.float32)
    alpha = shape * np.float32(rng.uniform(_FAINT, _STRONG))
    mixed = picture * (1 - alpha[..., None]) + other[::-1, ::-1] * alpha[..., None]
    return mixed.astype(np.uint8), shape


def _patch(other: Pixels, rng: Generator) -> tuple[Pixels, Alpha, tuple[int, int]]:
    """A rectangle of the other picture, its place, and where it will be, one pixel off every border."""
    size = other.shape[0]
    height, width = (int(size * rng.uniform(_SMALLEST, _LARGEST)) for _ in range(2))
    top, left, y, x = (int(rng.integers(2, size - side - 2)) for side in (height, width) * 2)
    alpha = np.zeros(other.shape[:2], np.float32)
    alpha[y : y + height, x : x + width] = 1
    return other[top : top + height, left : left + width], alpha, (y, x)


_OCTAVES: Final = 3


def _noise(size: int, cells: int, rng: Generator) -> Floats:
    """Smooth noise of a few octaves, as Perlin's."""
    total = np.zeros((size, size), np.float32)
    for octave in range(_OCTAVES):
        grid = rng.standard_normal((cells << octave, cells << octave), dtype=np.float32)
        total += np.asarray(cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC)) / (1 << octave)
    return total
