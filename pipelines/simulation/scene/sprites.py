"""Figures as small pictures, drawn once for each direction, phase and size and kept."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np

from pipelines.simulation.scene.body import Gait, Limb, Look, pose
from pipelines.simulation.scene.geometry import Image
from pipelines.simulation.scene.layout import Colour

_Spot: TypeAlias = tuple[float, float]

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
    places = np.stack(((right - left) * fine, (top - up) * fine), axis=1).reshape(-1, 2, 2).tolist()
    for i in np.argsort(-depth.reshape(-1, 2).mean(axis=1), kind="stable"):
        limb = limbs[i]
        _rod(canvas, places[i], (limb.start_radius * fine, limb.end_radius * fine), limb.colour)
    small = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return Sprite(np.asarray(small, np.uint8), (-left * scale, top * scale), scale)


_TONES = ((1.0, 0.72), (0.74, 0.92), (0.42, 1.06))
"""Share of the radius and brightness, from the rim to the core."""


def _rod(canvas: Image, ends: list[list[float]], radii: tuple[float, float], colour: Colour) -> None:
    """A rod lit from the upper left: a dark body and a lighter core moved towards the light."""
    (ax, ay), (bx, by) = ends
    thick = max(radii)
    for shrink, tone in _TONES if thick > 2.5 else _TONES[1:2]:
        shift = 0.45 * (1 - shrink) * thick
        ink = (*(min(255.0, channel * tone) for channel in colour), 255.0)
        start, end = (ax - shift, ay - shift), (bx - shift, by - shift)
        _taper(canvas, start, end, (radii[0] * shrink, radii[1] * shrink), ink)


def _taper(canvas: Image, a: _Spot, b: _Spot, radii: tuple[float, float], ink: tuple[float, ...]) -> None:
    for (x, y), radius in ((a, radii[0]), (b, radii[1])):
        cv2.circle(canvas, (int(8 * x), int(8 * y)), max(1, int(8 * radius)), ink, -1, cv2.LINE_8, 3)
    along_x, along_y = b[0] - a[0], b[1] - a[1]
    length = math.hypot(along_x, along_y)
    if length > 0.5:
        side_x, side_y = -8 * along_y / length, 8 * along_x / length
        corners = [
            (int(8 * x + sign * radius * side_x), int(8 * y + sign * radius * side_y))
            for (x, y), radius, sign in ((a, radii[0], 1), (b, radii[1], 1), (b, radii[1], -1), (a, radii[0], -1))
        ]
        cv2.fillConvexPoly(canvas, np.array(corners, np.int32), ink, cv2.LINE_8, 3)
