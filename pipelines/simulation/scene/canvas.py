"""Painting moving things over the backdrop, from far to near, and keeping account of what stays visible."""

from __future__ import annotations

import math

import cv2
import numpy as np

from pipelines.simulation.scene.geometry import Floats, Image
from pipelines.simulation.scene.sprites import Sprite


class Canvas:
    """One frame in the making."""

    def __init__(self, picture: Image, hidden_beyond: Floats, shadow: Floats) -> None:
        self.picture = picture
        self._hidden_beyond = hidden_beyond
        self._shadow = shadow
        self.labels: Image = np.zeros(picture.shape[:2], np.uint8)
        """uint8 [H, W]: which anomaly is visible where; 0 for none."""

    def shaded(self, x: float, y: float) -> float:
        """How much a spot lies in the shadow of a prop, 0..1."""
        h, w = self._shadow.shape
        if not (0 <= x < w and 0 <= y < h):
            return 0.0
        return float(self._shadow[int(y), int(x)])

    def stamp(
        self, sprite: Sprite, at: tuple[float, float], scale: float, look: tuple[float, float, float, int]
    ) -> None:
        """Paint a sprite with its origin at a picture position and `scale` pixels a metre.

        `look` is its distance in metres, its brightness, its opacity and its label.
        """
        shrink = scale / sprite.scale
        left, top = at[0] - sprite.anchor[0] * shrink, at[1] - sprite.anchor[1] * shrink
        x0, y0 = math.floor(left), math.floor(top)
        h, w = sprite.rgba.shape[:2]
        size = (math.ceil(w * shrink) + 2, math.ceil(h * shrink) + 2)
        if not self._touches(x0, y0, size):
            return
        matrix = np.array(((shrink, 0, left - x0), (0, shrink, top - y0)), np.float32)
        self.blend(
            np.asarray(cv2.warpAffine(sprite.rgba, matrix, size, flags=cv2.INTER_LINEAR), np.uint8), x0, y0, look
        )

    def blend(self, rgba: Image, x0: int, y0: int, look: tuple[float, float, float, int]) -> None:
        """Paint premultiplied uint8 [h, w, 4] with its corner at (x0, y0), as far as nothing nearer hides it."""
        distance, brightness, opacity, label = look
        area, part = self._overlap(x0, y0, rgba.shape[1], rgba.shape[0])
        if part is None:
            return
        piece = rgba[part]
        alpha = piece[..., 3].astype(np.float32) * np.float32(opacity / 255)
        alpha[self._hidden_beyond[area] < distance] = 0
        keep = alpha[..., None]
        colour = piece[..., :3].astype(np.float32)
        colour *= np.float32(brightness * opacity)
        colour[alpha == 0] = 0
        region = self.picture[area]
        np.copyto(region, np.minimum(region * (1 - keep) + colour, 255).astype(np.uint8))
        self.labels[area][alpha > 0.5] = label

    def darken(self, alpha: Image, x0: int, y0: int, strength: float, distance: float) -> None:
        """Cast a shadow: uint8 [h, w] coverage, on the ground only and not twice where it is in shadow already."""
        area, part = self._overlap(x0, y0, alpha.shape[1], alpha.shape[0])
        if part is None:
            return
        share = alpha[part].astype(np.float32) * np.float32(strength / 255)
        share *= 1 - self._shadow[area]
        share[self._hidden_beyond[area] < distance + 3.0] = 0
        region = self.picture[area]
        np.copyto(region, (region * (1 - share[..., None])).astype(np.uint8))

    def _touches(self, x0: int, y0: int, size: tuple[int, int]) -> bool:
        h, w = self.labels.shape
        return x0 < w and y0 < h and x0 + size[0] > 0 and y0 + size[1] > 0

    def _overlap(
        self, x0: int, y0: int, width: int, height: int
    ) -> tuple[tuple[slice, slice], tuple[slice, slice] | None]:
        h, w = self.labels.shape
        left, top, right, bottom = max(0, x0), max(0, y0), min(w, x0 + width), min(h, y0 + height)
        if left >= right or top >= bottom:
            return (slice(0, 0), slice(0, 0)), None
        return (slice(top, bottom), slice(left, right)), (slice(top - y0, bottom - y0), slice(left - x0, right - x0))
