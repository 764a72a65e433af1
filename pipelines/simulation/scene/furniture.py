"""What stands about: lamps, benches, bins, planters, bollards, columns, rails, signs, parked cars."""

from __future__ import annotations

import math
from collections.abc import Callable

from pipelines.simulation.scene.layout import Colour, Light, Prop, PropKind
from pipelines.simulation.scene.solids import Face, box, face
from pipelines.simulation.scene.vehicles import car


def furniture(prop: Prop, light: Light) -> list[Face]:
    """The faces of a prop around the origin, in drawing order from its back to its front."""
    return _MAKERS[prop.kind](prop, light)


def _lift(faces: list[Face], x: float, z: float) -> list[Face]:
    return [part.placed(x, z, 0.0) for part in faces]


def _lamp(prop: Prop, light: Light) -> list[Face]:
    metal: Colour = (58, 62, 66)
    post = box((0.12, prop.height, 0.12), metal)
    arm = _lift(box((0.9, 0.08, 0.1), metal, lift=prop.height - 0.08), 0.4, 0)
    glow: Colour = (255, 226, 164) if light.lamps else (214, 214, 206)
    head = [
        Face(part.corners, part.normal, glow, 1.0 if light.lamps else 0.0)
        for part in _lift(box((0.5, 0.12, 0.26), glow, lift=prop.height - 0.2), 0.8, 0)
    ]
    return [*box((0.3, 0.3, 0.3), metal), *post, *arm, *head]


def _bench(prop: Prop, light: Light) -> list[Face]:
    _ = light
    legs = [part for x in (-0.7, 0.7) for part in _lift(box((0.1, 0.42, 0.4), (54, 54, 58)), x, 0)]
    back = _lift(box((1.8, 0.4, 0.06), prop.colour, lift=0.5), 0, 0.24)
    return [*back, *legs, *box((1.8, 0.07, 0.5), prop.colour, lift=0.42)]


def _bin(prop: Prop, light: Light) -> list[Face]:
    _ = light
    return [*box((0.45, 0.85, 0.45), prop.colour), *box((0.5, 0.1, 0.5), (40, 42, 44), lift=0.85)]


def _planter(prop: Prop, light: Light) -> list[Face]:
    _ = light
    soil: Colour = (66, 54, 42)
    rim = box((prop.width, prop.height, prop.depth), prop.colour)
    top = box((prop.width - 0.2, 0.02, prop.depth - 0.2), soil, lift=prop.height)
    return rim + top


def _bollard(prop: Prop, light: Light) -> list[Face]:
    _ = light
    return [
        *box((0.18, prop.height, 0.18), prop.colour),
        *box((0.2, 0.12, 0.2), (220, 214, 200), lift=prop.height - 0.2),
    ]


def _column(prop: Prop, light: Light) -> list[Face]:
    _ = light
    base = box((prop.width * 1.3, 0.25, prop.depth * 1.3), prop.colour)
    return base + box((prop.width, prop.height, prop.depth), prop.colour)


def _rail(prop: Prop, light: Light) -> list[Face]:
    """A row of posts along x with two bars."""
    _ = light
    count = max(2, round(prop.width / 1.6))
    xs = [-prop.width / 2 + prop.width * i / (count - 1) for i in range(count)]
    posts = [part for x in xs for part in _lift(box((0.07, prop.height, 0.07), prop.colour), x, 0)]
    bars = [part for y in (0.5, prop.height) for part in box((prop.width, 0.06, 0.06), prop.colour, lift=y - 0.06)]
    return posts + bars


def _sign(prop: Prop, light: Light) -> list[Face]:
    _ = light
    post = box((0.07, prop.height, 0.07), (120, 122, 126))
    low, high = prop.height - 0.7, prop.height
    square = [(-0.35, low, -0.05), (0.35, low, -0.05), (0.35, high, -0.05), (-0.35, high, -0.05)]
    plate = face(square, (0, low, 0.5), prop.colour)
    arrow = [(-0.2, low + 0.25, -0.06), (0.05, low + 0.1, -0.06), (0.05, low + 0.6, -0.06)]
    return [*post, plate, face(arrow, (0, low, 0.5), (240, 240, 240))]


def _parked(prop: Prop, light: Light) -> list[Face]:
    _ = light
    return car(prop.colour, height=prop.height)


_MAKERS: dict[PropKind, Callable[[Prop, Light], list[Face]]] = {
    "lamp": _lamp,
    "bench": _bench,
    "bin": _bin,
    "planter": _planter,
    "bollard": _bollard,
    "column": _column,
    "rail": _rail,
    "sign": _sign,
    "car": _parked,
}


def heading(prop: Prop) -> float:
    """The azimuth of a prop's own z axis, radians."""
    return math.radians(prop.turn_deg)
