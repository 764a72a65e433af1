"""Who is where when: movement as a closed function of time, so that any frame can be asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np

from pipelines.simulation.scene.body import CYCLE_M, Gait, Look
from pipelines.simulation.scene.geometry import Camera
from pipelines.simulation.scene.layout import Colour, Point

Body: TypeAlias = Literal["person", "car", "cart", "suitcase", "box", "bag"]

_FADE_M = 1.5
"""What has to appear in plain sight, far away, does so over this distance."""


class Path:
    """A line on the ground, measured in metres from its start."""

    def __init__(self, points: tuple[Point, ...]) -> None:
        self.points = points
        lengths = [math.dist(a, b) for a, b in pairwise(points)]
        self._ends = np.cumsum([0.0, *lengths])

    @property
    def length(self) -> float:
        """Metres."""
        return float(self._ends[-1])

    def at(self, along: float) -> tuple[float, float, float]:
        """World x and z, and the azimuth of the way, at a distance from the start. Corners are rounded off."""
        before, after = self._point(along - 0.6), self._point(along + 0.6)
        x, z = self._point(along)
        return x, z, math.atan2(after[0] - before[0], after[1] - before[1])

    def _point(self, along: float) -> Point:
        i = int(np.clip(np.searchsorted(self._ends, along, side="right") - 1, 0, len(self.points) - 2))
        share = (along - self._ends[i]) / (self._ends[i + 1] - self._ends[i])
        (x0, z0), (x1, z1) = self.points[i], self.points[i + 1]
        return float(x0 + share * (x1 - x0)), float(z0 + share * (z1 - z0))


@dataclass(frozen=True, slots=True)
class Sight:
    """The stretch of a path that a camera sees."""

    start: float
    """Metres along the path, just out of sight if the path goes on."""
    end: float
    fade_in: bool
    """The path starts in plain sight."""
    fade_out: bool


def in_sight(camera: Camera, x: float, z: float, margin_m: float = 0.0) -> bool:
    """Whether any of a person who stands there is in the picture, or would be `margin_m` nearer to its middle."""
    foot_x, foot_y, scale = camera.point(x, 0.0, z)
    _, head_y, head_scale = camera.point(x, 1.8, z)
    if scale == 0.0 or head_scale == 0.0:
        return False
    reach = margin_m * scale
    across = -reach < foot_x < camera.width + reach
    return across and foot_y > 0 and head_y < camera.height + 0.2 * reach


def sight(camera: Camera, path: Path, margin_m: float) -> Sight | None:
    """The stretch of a path in sight, with a margin on both sides; None if there is none."""
    steps = np.arange(0.0, path.length, 0.25)
    seen = [s for s in steps if in_sight(camera, *path.at(float(s))[:2], margin_m)]
    if not seen:
        return None
    start, end = float(seen[0]), float(seen[-1])
    plain = [in_sight(camera, *path.at(s)[:2], -0.2) for s in (start, end)]
    return Sight(start, end, plain[0], plain[1])


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is at one moment."""

    x: float
    z: float
    heading: float
    phase: float
    """Cycles of the limbs since the start."""
    gait: Gait
    opacity: float


@dataclass(frozen=True, slots=True)
class Mover:
    """Something on its way along a path."""

    path: Path
    sight: Sight
    body: Body
    starts_s: float
    speed: float
    """Metres a second."""
    aside: float = 0.0
    """Metres to the right of the path."""
    gait: Gait = "walk"
    look: Look | None = None
    colour: Colour = (128, 128, 128)
    pause_after_m: float = math.inf
    """Where it stops for `pause_s`, metres from the start of the stretch in sight."""
    pause_s: float = 0.0
    look_after: Look | None = None
    """How it looks from the middle of the pause on: with or without what it carried."""

    @property
    def ends_s(self) -> float:
        """When it is out of sight again."""
        travel = (self.sight.end - self.sight.start) / self.speed
        return self.starts_s + travel + (self.pause_s if math.isfinite(self.pause_after_m) else 0.0)

    def at(self, time_s: float) -> Place | None:
        """Where it is; None before and after."""
        if not self.starts_s <= time_s < self.ends_s:
            return None
        gone = (time_s - self.starts_s) * self.speed
        waiting = False
        if gone > self.pause_after_m:
            waited = min(self.pause_s, time_s - self.starts_s - self.pause_after_m / self.speed)
            waiting = waited < self.pause_s
            gone -= waited * self.speed
        along = self.sight.start + gone
        x, z, heading = self.path.at(along)
        x, z = x + self.aside * math.cos(heading), z - self.aside * math.sin(heading)
        gait: Gait = "stand" if waiting else self.gait
        return Place(x, z, heading, gone / CYCLE_M[self.gait], gait, self._opacity(along))

    def look_at(self, time_s: float) -> Look | None:
        """How it looks at a time."""
        change_s = self.starts_s + self.pause_after_m / self.speed + self.pause_s / 2
        return self.look_after if self.look_after is not None and time_s >= change_s else self.look

    def _opacity(self, along: float) -> float:
        opacity = 1.0
        if self.sight.fade_in:
            opacity = min(opacity, (along - self.sight.start) / _FADE_M)
        if self.sight.fade_out:
            opacity = min(opacity, (self.sight.end - along) / _FADE_M)
        return max(0.0, opacity)


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that lies still for a while."""

    body: Body
    x: float
    z: float
    heading: float
    colour: Colour
    starts_s: float
    ends_s: float
