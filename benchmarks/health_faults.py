"""Faults of a camera's picture, put on decoded frames: each repetition another of its kind, some over a few frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from engines.contract import Pixels
from pipelines.types import HealthKind

Fault = Callable[[Pixels, int], Pixels]
"""From a frame and its number since the fault began, from 0, to what the camera gives instead."""


def _sensor(picture: np.ndarray, noise: float, number: int, seed: int) -> Pixels:
    grain = np.random.default_rng((seed, number)).normal(0, noise, picture.shape[:2])
    return np.asarray(np.clip(picture + grain[..., None], 0, 255), np.uint8)


def black(seed: int) -> Fault:
    """A cap, or a sensor that is dead: black of the full or of the limited range, with more or less noise."""
    rng = np.random.default_rng(seed)
    level, noise, over = rng.uniform(0, 17), rng.uniform(0.5, 3), int(rng.integers(1, 4))

    def shown(pixels: Pixels, number: int) -> Pixels:
        share = min(1.0, (number + 1) / over)
        return _sensor(pixels * (1 - share) + level * share, noise, number, seed)

    return shown


def overexposed(seed: int) -> Fault:
    """The exposure is stuck: four times the light and more."""
    rng = np.random.default_rng(seed)
    gain, offset, over = rng.uniform(4, 8), rng.uniform(60, 120), int(rng.integers(1, 4))

    def shown(pixels: Pixels, number: int) -> Pixels:
        share = min(1.0, (number + 1) / over)
        return _sensor(pixels.astype(np.float32) * (1 + (gain - 1) * share) + offset * share, 1, number, seed)

    return shown


def frozen(_: int) -> Fault:
    """The picture of the fault's first moment for ever."""
    held: list[Pixels] = []

    def shown(pixels: Pixels, _: int) -> Pixels:
        held.append(pixels)
        return held[0]

    return shown


def defocused(seed: int) -> Fault:
    """Out of focus by 2 to 6 pixels of 256, at once or within a second."""
    rng = np.random.default_rng(seed)
    reach, over = rng.uniform(2, 6), int(rng.integers(1, 6))

    def shown(pixels: Pixels, number: int) -> Pixels:
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), reach * min(1.0, (number + 1) / over)), np.uint8)

    return shown


def covered(seed: int) -> Fault:
    """A hand or a bag a finger's breadth away slides before the lens and hides nine tenths or all."""
    rng = np.random.default_rng(seed)
    tone, noise, over = rng.uniform(15, 190, 3), rng.uniform(0.5, 3), int(rng.integers(1, 6))
    share, turns = rng.uniform(0.9, 1.0), int(rng.integers(4))
    shade = cv2.resize(rng.uniform(0.6, 1.2, (2, 2)), (256, 256), interpolation=cv2.INTER_LINEAR)[..., None]

    def shown(pixels: Pixels, number: int) -> Pixels:
        height, width = pixels.shape[:2]
        reach = width * share * min(1.0, (number + 1) / over)
        soft = np.clip((reach - np.arange(width)) / 12, 0, 1)[None, :, None] * np.ones((height, 1, 1))
        hidden = np.rot90(soft, turns)
        return _sensor(pixels * (1 - hidden) + shade * tone * hidden, noise, number, seed)

    return shown


def moved(seed: int) -> Fault:
    """Turned by 4 to 30 % of the picture, tilted, or zoomed; at once or over some frames, blurred while it moves."""
    rng = np.random.default_rng(seed)
    across, angle = rng.uniform(10, 80), rng.uniform(0, 2 * np.pi)
    tilt, zoom = ((0.0, 1.0), (rng.uniform(8, 25), 1.1), (0.0, rng.uniform(1.25, 1.6)))[seed % 3]
    over = int(rng.integers(1, 5))

    def shown(pixels: Pixels, number: int) -> Pixels:
        share = min(1.0, (number + 1) / over)
        move = cv2.getRotationMatrix2D((128, 128), tilt * share, 1 + (zoom - 1) * share)
        move = np.asarray(move, np.float64) + across * share * np.array([[0, 0, np.cos(angle)], [0, 0, np.sin(angle)]])
        turned = cv2.warpAffine(pixels, move, pixels.shape[1::-1], borderMode=cv2.BORDER_REFLECT)
        return np.asarray(turned if share == 1 else cv2.blur(turned, (7, 7)), np.uint8)

    return shown


FAULTS: Mapping[HealthKind, Callable[[int], Fault]] = {
    "frozen": frozen,
    "black": black,
    "overexposed": overexposed,
    "defocused": defocused,
    "covered": covered,
    "moved": moved,
}
"""By kind: from a seed to a fault."""
