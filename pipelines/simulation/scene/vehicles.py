"""Cars, and the small electric cart that drives where cars do not fit."""

from __future__ import annotations

import math

from pipelines.simulation.scene.layout import Colour
from pipelines.simulation.scene.solids import Face, box, extrude, face

_GLASS: Colour = (38, 46, 54)
_TYRE: Colour = (24, 24, 26)
_RIM: Colour = (150, 152, 156)


def car(colour: Colour, length: float = 4.3, height: float = 1.5, width: float = 1.8) -> list[Face]:
    """A car that drives along its own z axis: body, cabin with windows, wheels, lamps."""
    half, end = width / 2, length / 2
    belt = 0.6 * height
    body = extrude(
        ((-end, 0.28), (end, 0.28), (end, 0.5), (end - 0.12, belt - 0.1), (end - 0.9, belt), (-end + 0.1, belt)),
        half,
        colour,
    )
    profile = ((-end + 0.35, belt), (end - 1.15, belt), (end - 1.95, height), (-end + 0.85, height))
    cabin = extrude(profile, half - 0.06, colour, taper=0.22)
    windows = [_inset(part) for part in cabin if abs(float(part.normal[1])) < 0.8]
    return [*body, *_lamps(end, half), *_wheels(end - 0.8, half), *cabin, *windows]


def cart(colour: Colour) -> list[Face]:
    """A small electric cart with a flat bed."""
    base = box((1.3, 0.45, 2.9), colour, lift=0.25)
    cabin = [part.placed(0, 0.75, 0) for part in box((1.25, 1.15, 1.1), colour, lift=0.7)]
    windows = [_inset(part) for part in cabin if abs(float(part.normal[1])) < 0.8]
    load = [part.placed(0, -0.65, 0) for part in box((1.1, 0.6, 1.2), (150, 118, 76), lift=0.7)]
    return [*base, *_lamps(1.45, 0.65), *_wheels(0.95, 0.65, 0.24), *load, *cabin, *windows]


def _inset(part: Face) -> Face:
    """A window in a face, a hair outside of it."""
    centre = part.corners.mean(axis=0)
    corners = centre + (part.corners - centre) * 0.82 + part.normal * 0.01
    return Face(corners, part.normal, _GLASS)


def _lamps(end: float, half: float) -> list[Face]:
    lamps = []
    for side in (-1, 1):
        for z, colour in ((end + 0.01, (250, 244, 214)), (-end - 0.01, (190, 30, 26))):
            x = side * (half - 0.28)
            corners = [(x - 0.2, 0.42, z), (x + 0.2, 0.42, z), (x + 0.2, 0.56, z), (x - 0.2, 0.56, z)]
            lamps.append(face(corners, (0, 0.5, 0), colour, glow=0.5))
    return lamps


def _wheels(axle: float, half: float, radius: float = 0.32) -> list[Face]:
    return [
        face(_disc(side * (half + 0.01 * step), radius, z, size), (0, radius, z), colour)
        for side in (-1, 1)
        for z in (-axle, axle)
        for step, size, colour in ((1, radius, _TYRE), (2, radius * 0.55, _RIM))
    ]


def _disc(x: float, y: float, z: float, radius: float) -> list[tuple[float, float, float]]:
    angles = [i * math.tau / 14 for i in range(14)]
    return [(x, y + radius * math.sin(a), z + radius * math.cos(a)) for a in angles]
