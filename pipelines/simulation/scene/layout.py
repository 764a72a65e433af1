"""What a view is made of: plain data, no drawing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pipelines.simulation.scene.geometry import Camera

Colour: TypeAlias = tuple[int, int, int]
"""RGB, 0..255."""
Point: TypeAlias = tuple[float, float]
"""World x and z, metres."""
Material: TypeAlias = Literal[
    "asphalt", "paving", "slabs", "cobbles", "grass", "gravel", "planks", "tiles", "water", "snow", "paint"
]
PropKind: TypeAlias = Literal[
    "building", "tree", "shrub", "lamp", "bench", "car", "bin", "planter", "bollard", "column", "rail", "sign"
]


@dataclass(frozen=True, slots=True)
class Patch:
    """A piece of ground."""

    outline: tuple[Point, ...]
    material: Material
    colour: Colour


@dataclass(frozen=True, slots=True)
class Prop:
    """Something that stands on the ground and does not move."""

    kind: PropKind
    x: float
    z: float
    width: float = 1.0
    """Along x before turning, metres."""
    depth: float = 1.0
    """Along z before turning, metres."""
    height: float = 1.0
    turn_deg: float = 0.0
    colour: Colour = (128, 128, 128)


@dataclass(frozen=True, slots=True)
class Stream:
    """A way that people (or cars) take."""

    path: tuple[Point, ...]
    """At least two points, in the direction of the flow."""
    per_minute: float
    width: float = 2.0
    """Spread across the way, metres."""
    one_way: bool = False
    traffic: Literal["people", "cars"] = "people"
    speed: float = 1.3
    """Mean, metres a second."""


@dataclass(frozen=True, slots=True)
class Light:
    """The weather and the hour."""

    sun: Point = (0.6, 0.5)
    """Where the shadow of a pole of one metre ends, seen from its foot: metres of x and z."""
    strength: float = 0.5
    """How much darker a shadow is than the sunlit ground, 0 (overcast) .. 0.7."""
    brightness: float = 1.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    noise: float = 2.2
    """Standard deviation of the sensor's noise, grey levels of 255."""
    clouds: float = 0.35
    """How far passing clouds take the sun away, 0..1."""
    sky: Colour = (176, 200, 224)
    haze: Colour = (196, 206, 214)
    lamps: bool = False
    """Whether the lamps are lit."""


@dataclass(frozen=True, slots=True)
class View:
    """Everything a camera sees that does not depend on the day."""

    name: str
    camera: Camera
    ground: Patch
    patches: tuple[Patch, ...]
    props: tuple[Prop, ...]
    streams: tuple[Stream, ...]
    drive: tuple[Point, ...]
    """Where a vehicle can come through though none does."""
    light: Light = field(default_factory=Light)
