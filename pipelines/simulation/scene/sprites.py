"""Figures as small pictures, drawn once for each direction, phase and size and kept."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

import cv2
import numpy as np

from pipelines.simulation.scene.body import Gait, Limb, Look, pose
from pipelines.simulation.scene.geometry import Image

_FINE = 3
"""Sprites are drawn this many times larger and shrunk, which smooths their edges."""
_DIRECTIONS, _PHASES, _SIZE_STEP = 24, 20, 1.15


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A figure: uint8 [h, w, 4], RGB already multiplied by its alpha (Porter and Duff, 1984)."""

    rgba: Image
    anchor: tuple[float, float]
    """Where the figure's origin is, pixels from the left and the top."""
    scale: float
    """Pixels a metre."""


class Wardrobe:
    """Draws and keeps sprites; the least recently used go when there are too many."""

    def __init__(self, capacity: int = 6000) -> None:
        self._kept: OrderedDict[tuple[object, ...], Sprite] = OrderedDict()
        self._capacity = capacity

    def figure(self, look: Look, gait: Gait, phase: float, turned: float, below: float, scale: float) -> Sprite:
        """A figure as seen from a direction.

        `turned` is the azimuth of its forward axis against the line of sight (0: walks away), `below` the
        angle of the line of sight below level, both radians; `scale` in pixels a metre. The sprite is at least
        that large and at most 15 % larger.
        """
        direction = round(turned / math.tau * _DIRECTIONS) % _DIRECTIONS
        step = round((phase % 1.0) * _PHASES) % _PHASES
        tilt = round(math.degrees(below) / 8)
        size = math.ceil(math.log(max(scale, 1.0)) / math.log(_SIZE_STEP))
        key = (look, gait, direction, step, tilt, size)
        sprite = self._kept.get(key)
        if sprite is None:
            limbs = pose(look, gait, step / _PHASES)
            turn = direction * math.tau / _DIRECTIONS
            sprite = draw_figure(limbs, turn, math.radians(tilt * 8), _SIZE_STEP**size)
            self._kept[key] = sprite
            if len(self._kept) > self._capacity:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return sprite


def draw_figure(limbs: list[Limb], turned: float, below: float, scale: float) -> Sprite:
    """Draw limbs from far to near, in parallel projection (the figure is small against its distance)."""
    fine = scale * _FINE
    joints = np.array([(*limb.start, *limb.end) for limb in limbs]).reshape(-1, 3)
    radii = np.array([(limb.start_radius, limb.end_radius) for limb in limbs]).reshape(-1)
    sin, cos = math.sin(turned), math.cos(turned)
    right = joints[:, 0] * sin - joints[:, 1] * cos
    away = joints[:, 0] * cos + joints[:, 1] * sin
    up = joints[:, 2] * math.cos(below) + away * math.sin(below)
    depth = away * math.cos(below) - joints[:, 2] * math.sin(below)
    left, top = float((right - radii).min()) - 0.06, float((up + radii).max()) + 0.06
    width = math.ceil((float((right + radii).max()) + 0.06 - left) * scale)
    height = math.ceil((top - float((up - radii).min()) + 0.06) * scale)
    canvas = np.zeros((height * _FINE, width * _FINE, 4), np.uint8)
    places = np.stack(((right - left) * fine, (top - up) * fine), axis=1).reshape(-1, 2, 2)
    for i in np.argsort(-depth.reshape(-1, 2).mean(axis=1) + 0.0, kind="stable"):
        limb = limbs[i]
        _rod(canvas, places[i, 0], places[i, 1], (limb.start_radius * fine, limb.end_radius * fine), limb.colour)
    small = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return Sprite(np.asarray(small, np.uint8), (-left * scale, top * scale), scale)


def _rod(canvas: Image, start: object, end: object, radii: tuple[float, float], colour: tuple[int, int, int]) -> None:
    """A rod lit from the upper left: a dark body and a lighter core moved towards the light."""
    a, b = np.asarray(start, np.float64), np.asarray(end, np.float64)
    for shrink, tone in ((1.0, 0.72), (0.74, 0.92), (0.42, 1.06)):
        shift = (1 - shrink) * 0.45 * np.array((-max(radii), -max(radii)))
        shaded = tuple(min(255.0, c * tone) for c in colour)
        _taper(canvas, a + shift, b + shift, (radii[0] * shrink, radii[1] * shrink), shaded)


def _taper(canvas: Image, a: object, b: object, radii: tuple[float, float], colour: tuple[float, ...]) -> None:
    start, end = np.asarray(a, np.float64), np.asarray(b, np.float64)
    ink = (*colour, 255.0)
    for centre, radius in ((start, radii[0]), (end, radii[1])):
        x, y = round(centre[0] * 8), round(centre[1] * 8)
        cv2.circle(canvas, (x, y), max(1, round(radius * 8)), ink, -1, cv2.LINE_8, 3)
    along = end - start
    length = float(np.hypot(*along))
    if length > 0.5:
        side = np.array((-along[1], along[0])) / length
        corners = (start + side * radii[0], end + side * radii[1], end - side * radii[1], start - side * radii[0])
        cv2.fillConvexPoly(canvas, np.round(np.array(corners) * 8).astype(np.int32), ink, cv2.LINE_8, 3)
