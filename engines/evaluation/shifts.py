"""Changes of conditions that a threshold should outlive: the calibration study applies them to the same footage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from engines.contract import Pixels

Change = Callable[[Pixels, float, int], Pixels]


@dataclass(frozen=True, slots=True)
class Shift:
    """One change at one strength. It acts on pictures at the network's input size."""

    name: str
    strength: float
    label: str
    """The strength in words."""
    change: Change | None = None
    keep_every: int = 1
    """Of so many frames one is kept."""

    def apply(self, pixels: Pixels, number: int) -> Pixels:
        """Change frame `number`, uint8 [H, W, 3]: the same each time."""
        return pixels if self.change is None else self.change(pixels, self.strength, number)


def _light(pixels: Pixels, share: float, _: int) -> Pixels:
    return np.asarray(cv2.convertScaleAbs(pixels, alpha=share), np.uint8)


def _gamma(pixels: Pixels, power: float, _: int) -> Pixels:
    levels = np.rint(255 * np.linspace(0, 1, 256) ** power).astype(np.uint8)
    return np.asarray(cv2.LUT(pixels, levels), np.uint8)


def _noise(pixels: Pixels, sigma: float, number: int) -> Pixels:
    grain = np.random.default_rng(number).normal(0, sigma, pixels.shape)
    return np.clip(np.rint(pixels + grain), 0, 255).astype(np.uint8)


def _blur(pixels: Pixels, sigma: float, _: int) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8)


def _shake(pixels: Pixels, most: float, number: int) -> Pixels:
    x, y = np.random.default_rng(number).uniform(-most, most, 2)
    move = np.array([[1, 0, x], [0, 1, y]], np.float32)
    size = (pixels.shape[1], pixels.shape[0])
    return np.asarray(cv2.warpAffine(pixels, move, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _compress(pixels: Pixels, quality: float, _: int) -> Pixels:
    _, data = cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, int(quality)))
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


NOTHING: Final = Shift("none", 0, "as filmed")

SHIFTS: Final = (
    NOTHING,
    Shift("dimming", 0.8, "light at 80 %", _light),
    Shift("dimming", 0.6, "light at 60 %", _light),
    Shift("dimming", 0.4, "light at 40 %", _light),
    Shift("brightening", 1.15, "light at 115 %", _light),
    Shift("brightening", 1.3, "light at 130 %", _light),
    Shift("brightening", 1.6, "light at 160 %", _light),
    Shift("gamma", 0.85, "to the power 0.85", _gamma),
    Shift("gamma", 1.25, "to the power 1.25", _gamma),
    Shift("gamma", 1.6, "to the power 1.6", _gamma),
    Shift("noise", 4, "sigma 4 of 255", _noise),
    Shift("noise", 8, "sigma 8 of 255", _noise),
    Shift("noise", 16, "sigma 16 of 255", _noise),
    Shift("blur", 0.7, "sigma 0.7 px", _blur),
    Shift("blur", 1.5, "sigma 1.5 px", _blur),
    Shift("blur", 3, "sigma 3 px", _blur),
    Shift("shake", 0.5, "± 0.5 px", _shake),
    Shift("shake", 1, "± 1 px", _shake),
    Shift("shake", 2, "± 2 px", _shake),
    Shift("compression", 60, "JPEG quality 60", _compress),
    Shift("compression", 30, "JPEG quality 30", _compress),
    Shift("compression", 10, "JPEG quality 10", _compress),
    Shift("frame rate", 2, "every 2nd frame", keep_every=2),
    Shift("frame rate", 3, "every 3rd frame", keep_every=3),
)
"""From nothing on, each change in three strengths. Pixels are those of the network's input, 256 a side."""


def shifts_for(*, still: bool) -> tuple[Shift, ...]:
    """The shifts that make sense: unrelated pictures have no frame rate."""
    return tuple(shift for shift in SHIFTS if shift.keep_every == 1 or not still)
