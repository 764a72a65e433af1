"""The views, by number: ten places, and variations of them without end.

Numbers 0..9 are the ten places as designed. A higher number takes the place ``number % 10`` and changes it: mirrored,
another camera, another hour, other colours.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pipelines.simulation.scene.layout import Colour, Light, Patch, Point, Prop, Stream, View
from pipelines.simulation.scene.noise import generator
from pipelines.simulation.scene.places_green import campus, crossing, promenade, quay, snow
from pipelines.simulation.scene.places_urban import car_park, concourse, courtyard, plaza, street

PLACES: tuple[Callable[[], View], ...] = (
    promenade, plaza, street, crossing, concourse, quay, campus, courtyard, car_park, snow,
)  # fmt: skip


def make_view(number: int) -> View:
    """The view of a number, always the same one.

    Raises:
        ValueError: The number is negative.
    """
    if number < 0:
        raise ValueError(f"view {number} does not exist: views are numbered from 0")
    view = PLACES[number % len(PLACES)]()
    return view if number < len(PLACES) else _varied(view, number)


def _varied(view: View, number: int) -> View:
    rng = generator(number, 73)
    camera = replace(
        view.camera,
        height_m=view.camera.height_m * float(rng.uniform(0.85, 1.25)),
        pitch_deg=view.camera.pitch_deg + float(rng.uniform(-2, 3)),
        yaw_deg=view.camera.yaw_deg + float(rng.uniform(-6, 6)),
        focal=view.camera.focal * float(rng.uniform(0.9, 1.12)),
    )
    patches = tuple(replace(patch, colour=_shifted(patch.colour, rng)) for patch in view.patches)
    props = tuple(_moved(prop, rng) for prop in view.props)
    streams = tuple(replace(s, per_minute=s.per_minute * float(rng.uniform(0.6, 1.4))) for s in view.streams)
    base = replace(view.ground, colour=_shifted(view.ground.colour, rng))
    varied = replace(
        view,
        name=f"{view.name} {number}",
        camera=camera,
        ground=base,
        patches=patches,
        props=props,
        streams=streams,
        light=_other_hour(view.light, rng),
    )
    return _mirrored(varied) if rng.random() < 0.5 else varied


def _shifted(colour: Colour, rng: np.random.Generator) -> Colour:
    tone = float(rng.uniform(0.85, 1.12))
    r, g, b = (int(np.clip(c * tone + rng.uniform(-9, 9), 10, 245)) for c in colour)
    return r, g, b


def _moved(prop: Prop, rng: np.random.Generator) -> Prop:
    if prop.kind in {"tree", "shrub"}:
        x, z = prop.x + float(rng.uniform(-0.5, 0.5)), prop.z + float(rng.uniform(-1, 1))
        size = float(rng.uniform(0.85, 1.15))
        prop = replace(prop, x=x, z=z, width=prop.width * size, depth=prop.depth * size, height=prop.height * size)
    return replace(prop, colour=_shifted(prop.colour, rng))


def _other_hour(light: Light, rng: np.random.Generator) -> Light:
    length, angle = float(rng.uniform(0.4, 1.3)), float(rng.uniform(0, math.tau))
    strength = 0.0 if light.strength == 0 else float(rng.uniform(0.0, 0.6))
    return replace(
        light,
        sun=(length * math.cos(angle), length * math.sin(angle)),
        strength=strength,
        brightness=light.brightness * float(rng.uniform(0.8, 1.1)),
        tint=tuple(float(t * rng.uniform(0.96, 1.04)) for t in light.tint),  # type: ignore[arg-type]  # three stay three
        noise=light.noise * float(rng.uniform(0.7, 1.5)),
    )


def _mirrored(view: View) -> View:
    def flip(points: tuple[Point, ...]) -> tuple[Point, ...]:
        return tuple((-x, z) for x, z in points)

    def patch(one: Patch) -> Patch:
        return replace(one, outline=flip(one.outline))

    def stream(one: Stream) -> Stream:
        return replace(one, path=flip(one.path))

    return replace(
        view,
        camera=replace(view.camera, yaw_deg=-view.camera.yaw_deg),
        patches=tuple(patch(one) for one in view.patches),
        props=tuple(replace(prop, x=-prop.x, turn_deg=-prop.turn_deg) for prop in view.props),
        streams=tuple(stream(one) for one in view.streams),
        drive=flip(view.drive),
    )
