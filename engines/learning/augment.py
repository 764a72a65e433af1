"""Random changes to a picture that a camera, a codec or the weather could have made."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from engines.contract import Pixels
from engines.learning.recipe import Augmentation


def augment(picture: Pixels, size: int, settings: Augmentation, rng: Generator) -> Pixels:
    """Turn uint8 [H, W, 3] of any size into uint8 [size, size, 3]: crop, flip, light, then the camera's faults."""
    out = _crop(picture, size, settings, rng)
    if rng.random() < settings.flip:
        out = out[:, ::-1]
    return relight(out, settings, rng)


def relight(picture: Pixels, settings: Augmentation, rng: Generator) -> Pixels:
    """Change the light, then add the camera's faults; every pixel stays where it is."""
    out = _light(picture, settings, rng)
    if rng.random() < settings.blur:
        out = cv2.GaussianBlur(out, (0, 0), float(rng.uniform(0.4, 2.0))).astype(np.uint8)
    if rng.random() < settings.noise:
        grain = rng.standard_normal(out.shape, dtype=np.float32) * rng.uniform(1, 12)
        out = np.clip(out + grain, 0, 255).astype(np.uint8)
    if rng.random() < settings.jpeg:
        out = _compress(out, int(rng.integers(25, 95)))
    return np.ascontiguousarray(out)


def _crop(picture: Pixels, size: int, settings: Augmentation, rng: Generator) -> Pixels:
    """Cut a window of random area and aspect: cameras' wide frames are squeezed into the network's square."""
    height, width = picture.shape[:2]
    area = height * width * rng.uniform(settings.crop_area, 1)
    stretch = np.exp(rng.uniform(-settings.stretch, settings.stretch))
    h = int(np.clip(np.sqrt(area / stretch), 16, height))
    w = int(np.clip(np.sqrt(area * stretch), 16, width))
    y, x = int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1))
    how = cv2.INTER_AREA if h * w > size * size else cv2.INTER_LINEAR
    return cv2.resize(picture[y : y + h, x : x + w], (size, size), interpolation=how).astype(np.uint8)


def _light(picture: Pixels, settings: Augmentation, rng: Generator) -> Pixels:
    """Change gamma, contrast, brightness, colour balance and saturation, or drop the colour (infrared)."""
    values = (picture.astype(np.float32) / 255) ** np.exp(rng.normal(0, settings.gamma))
    grey = values.mean(-1, keepdims=True)
    saturation = 0.0 if rng.random() < settings.grey else np.exp(rng.normal(0, settings.colour))
    values = grey + (values - grey) * saturation
    if saturation:
        values = values * np.exp(rng.normal(0, settings.colour / 2, 3))
    middle = float(values.mean())
    values = (values - middle) * np.exp(rng.normal(0, settings.contrast)) + middle
    values = values + rng.normal(0, settings.brightness)
    return np.asarray(np.clip(values * 255, 0, 255), np.uint8)


def _compress(picture: Pixels, quality: int) -> Pixels:
    _, data = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
