"""Pictures made by rule, for engines to be tried on before a camera has shown anything."""

from __future__ import annotations

import cv2
import numpy as np

from engines.contract import Pixels


def trial_pictures(count: int, size: tuple[int, int]) -> Pixels:
    """Make uint8 [count, H, W, 3]: light that falls off, surfaces and edges at many scales, things with outlines.

    The same each time. From numpy and OpenCV alone: the pictures that networks are trained on need more.
    """
    return np.stack([_picture(np.random.default_rng((20, index)), *size) for index in range(count)])


def _picture(rng: np.random.Generator, height: int, width: int) -> Pixels:
    picture = _light(rng, height, width)
    for octave in range(1, 8):
        picture += _surface(rng, 2**octave, height, width) * rng.uniform(0, 40)
    for _ in range(int(rng.integers(4, 24))):
        _thing(rng, picture)
    blurred = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 1.5)))
    return np.clip(blurred + rng.normal(0, rng.uniform(0, 6), picture.shape), 0, 255).astype(np.uint8)


def _light(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    corners = rng.uniform(20, 235, (2, 2, 3)).astype(np.float32)
    return np.asarray(cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _surface(rng: np.random.Generator, cells: int, height: int, width: int) -> np.ndarray:
    noise = rng.normal(0, 1, (cells, cells, 1)).astype(np.float32) * rng.uniform(0.5, 1, 3).astype(np.float32)
    return np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _thing(rng: np.random.Generator, picture: np.ndarray) -> None:
    height, width = picture.shape[:2]
    centre = (int(rng.integers(width)), int(rng.integers(height)))
    axes = tuple(int(each) for each in np.exp(rng.uniform(np.log(3), np.log(60), 2)))
    colour = tuple(float(each) for each in rng.uniform(0, 255, 3))
    if rng.random() < 0.5:
        cv2.ellipse(picture, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    else:
        corner = (centre[0] + axes[0], centre[1] + axes[1])
        cv2.rectangle(picture, centre, corner, colour, -1 if rng.random() < 0.7 else 2)
