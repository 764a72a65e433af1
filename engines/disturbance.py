"""What alters every picture although nothing happens: noise, compression, focus, a mast that sways, light.

Enrolment footage is of a few minutes of one day. Judged by that alone, a quiet camera would call any other sensor
noise, bit rate or focus strange. So some of its held-out frames are judged under mild alterations too, and no place
counts as calmer than it is under the worst of them.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from engines.contract import Pixels

_NOISE: Final = 4.0
"""Standard deviation, of 255."""
_BLUR: Final = 0.7
"""Standard deviation, pixels."""
_SWAY: Final = 0.5
"""Pixels."""
_QUALITY: Final = 60
"""Of JPEG."""
_GAMMAS: Final = (0.85, 1.2)
"""What evening out the light leaves of a change of exposure is less than this."""


def alterations(pixels: Pixels, seed: int) -> Pixels:
    """One frame, uint8 [H, W, 3], under each mild alteration: uint8 [V, H, W, 3]; the same each time for a seed."""
    return np.stack(
        [
            _noisy(pixels, seed),
            np.asarray(cv2.GaussianBlur(pixels, (0, 0), _BLUR), np.uint8),
            _moved(pixels, _SWAY, 0.0),
            _moved(pixels, 0.0, _SWAY),
            _compressed(pixels),
            *(_bent(pixels, power) for power in _GAMMAS),
        ]
    )


def _noisy(pixels: Pixels, seed: int) -> Pixels:
    grain = np.random.default_rng(seed).normal(0, _NOISE, pixels.shape)
    return np.asarray(np.clip(np.rint(pixels + grain), 0, 255), np.uint8)


def _moved(pixels: Pixels, right: float, down: float) -> Pixels:
    move = np.array([[1, 0, right], [0, 1, down]], np.float32)
    size = (pixels.shape[1], pixels.shape[0])
    return np.asarray(cv2.warpAffine(pixels, move, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _compressed(pixels: Pixels) -> Pixels:
    _, data = cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _bent(pixels: Pixels, power: float) -> Pixels:
    levels = np.rint(255 * np.linspace(0, 1, 256) ** power).astype(np.uint8)
    return np.asarray(cv2.LUT(pixels, levels), np.uint8)
