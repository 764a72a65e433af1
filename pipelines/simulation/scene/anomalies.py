"""What is planted: anomalies of known kind, time and place."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

import numpy as np

from pipelines.simulation.scene.body import Look
from pipelines.simulation.scene.crowd import MARGIN_M, Way, population, way
from pipelines.simulation.scene.geometry import Camera
from pipelines.simulation.scene.layout import Colour, Stream, View
from pipelines.simulation.scene.noise import generator
from pipelines.simulation.scene.tracks import Body, Mover, Path, Thing, in_sight, sight
from pipelines.simulation.scene.views import make_view

Kind: TypeAlias = Literal["left-object", "cyclist", "running", "vehicle", "against-flow"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_SHORTEST_S = 4.5
"""A planted movement lasts at least so long in the picture: it is slowed down where the way is short."""
_GAP_S = (5.0, 9.0)
_OBJECTS: tuple[tuple[Body, Colour], ...] = (
    ("suitcase", (168, 52, 38)),
    ("suitcase", (34, 60, 110)),
    ("box", (172, 138, 92)),
)


@dataclass(frozen=True, slots=True)
class Planted:
    """One planted anomaly: what moves or lies there, and who else takes part in it."""

    kind: Kind
    id: str
    """Unique within a plan, such as ``cyclist-2``."""
    begin_s: float
    """When it comes into the picture, about; the truth of a frame is exact."""
    end_s: float
    mover: Mover | None
    """The anomaly itself where it moves."""
    thing: Thing | None
    """The anomaly itself where it lies still."""
    bystanders: tuple[Mover, ...] = ()
    """Those who bring and fetch an object: drawn, not flagged."""


def plan_anomalies(view: int, seconds: float, seed: int, first_s: float = 0.0) -> tuple[Planted, ...]:
    """Plant anomalies from `first_s` on until `seconds`, one after the other, with normal gaps between.

    The five kinds come in a random order, each once before any comes again.

    Raises:
        ValueError: The time is too short for all five kinds (two minutes are enough in every view).
    """
    planner = _Planner(make_view(view), view, seed)
    planted: list[Planted] = []
    clock_s = first_s + float(planner.rng.uniform(2.0, 4.0))
    while True:
        if len(planted) % len(KINDS) == 0:
            order = [KINDS[i] for i in planner.rng.permutation(len(KINDS))]
        kind = order[len(planted) % len(KINDS)]
        one = planner.plant(kind, f"{kind}-{len(planted) // len(KINDS) + 1}", clock_s)
        if one.end_s > seconds - 1.0:
            break
        planted.append(one)
        clock_s = one.end_s + float(planner.rng.uniform(*_GAP_S))
    if len(planted) < len(KINDS):
        raise ValueError(
            f"view {view} has no room for all five kinds of anomaly between {first_s:g} s and {seconds:g} s: "
            "give it two minutes"
        )
    return tuple(planted)


def plant(view: int, kind: Kind, begin_s: float, seed: int) -> Planted:
    """Plant one anomaly of a kind that comes into the picture at about `begin_s`."""
    return _Planner(make_view(view), view, seed).plant(kind, f"{kind}-1", begin_s)


class _Planner:
    def __init__(self, view: View, number: int, seed: int) -> None:
        self.rng = generator(number, seed, 90)
        self._view, self._camera = view, view.camera
        self._looks = population(number, seed, 91)
        people = [s for s in view.streams if s.traffic == "people"]
        self._walks = self._good(
            [way(self._camera, s, backward=b) for s in people for b in (False, True) if not (b and s.one_way)]
        )
        self._against = self._good([way(self._camera, s, backward=True) for s in people if s.one_way])
        self._makers: dict[Kind, Callable[[str, float], Planted]] = {
            "left-object": self._left_object,
            "cyclist": self._cyclist,
            "running": self._running,
            "vehicle": self._vehicle,
            "against-flow": self._against_flow,
        }

    def plant(self, kind: Kind, name: str, begin_s: float) -> Planted:
        return self._makers[kind](name, begin_s)

    def _good(self, ways: Sequence[Way | None]) -> list[Way]:
        """Ways that are long enough and near enough; if none is, the nearest."""
        seen = [one for one in ways if one is not None]
        rated = sorted(seen, key=lambda one: -_nearness(self._camera, one))
        return [
            one for one in rated if _nearness(self._camera, one) > 20 and one.sight.end - one.sight.start > 8
        ] or rated[:1]

    def _pick(self, ways: list[Way]) -> Way:
        return ways[int(self.rng.integers(len(ways)))]

    def _look(self) -> Look:
        return self._looks[int(self.rng.integers(len(self._looks)))]

    def _cyclist(self, name: str, begin_s: float) -> Planted:
        one = self._pick(self._walks)
        look = replace(self._look(), coat=False, bag="none")
        mover = Mover(one.path, one.sight, "person", 0.0, float(self.rng.uniform(3.6, 4.6)), gait="ride", look=look)
        return self._passing("cyclist", name, begin_s, replace(mover, aside=self._aside(one.stream)))

    def _running(self, name: str, begin_s: float) -> Planted:
        one = self._pick(self._walks)
        look = replace(self._look(), coat=False, bag="none", long_hair=False)
        mover = Mover(one.path, one.sight, "person", 0.0, float(self.rng.uniform(3.6, 4.4)), gait="run", look=look)
        return self._passing("running", name, begin_s, replace(mover, aside=self._aside(one.stream)))

    def _against_flow(self, name: str, begin_s: float) -> Planted:
        one = self._pick(self._against)
        speed = float(self.rng.uniform(1.3, 1.6))
        mover = Mover(one.path, one.sight, "person", 0.0, speed, look=self._look(), aside=self._aside(one.stream))
        return self._passing("against-flow", name, begin_s, mover)

    def _vehicle(self, name: str, begin_s: float) -> Planted:
        path = Path(self._view.drive)
        seen = sight(self._camera, path, MARGIN_M["cars"])
        if seen is None:
            raise ValueError(f"the drive of the view {self._view.name!r} is out of its camera's sight")
        body: Body = "cart" if self._view.name.startswith("concourse") else "car"
        colour: Colour = ((222, 220, 214), (52, 76, 120), (186, 150, 40))[int(self.rng.integers(3))]
        speed = float(self.rng.uniform(2.8, 3.8)) * max(1.0, (seen.end - seen.start) / 40)
        return self._passing("vehicle", name, begin_s, Mover(path, seen, body, 0.0, speed, colour=colour))

    def _aside(self, stream: Stream) -> float:
        return float(self.rng.uniform(-0.3, 0.3)) * stream.width

    def _passing(self, kind: Kind, name: str, begin_s: float, mover: Mover) -> Planted:
        length = mover.sight.end - mover.sight.start
        mover = replace(mover, starts_s=begin_s, speed=min(mover.speed, length / (_SHORTEST_S + 1.0)))
        return Planted(kind, name, begin_s, mover.ends_s, mover, None)

    def _left_object(self, name: str, begin_s: float) -> Planted:
        """Someone walks in, puts a thing down beside the way and walks on; later another fetches it."""
        one = self._pick([w for w in self._walks if not w.stream.one_way] or self._walks)
        body, colour = _OBJECTS[int(self.rng.integers(len(_OBJECTS)))]
        stop = self._stop(one)
        aside = one.stream.width / 2
        laden = replace(self._look(), bag="suitcase", bag_colour=colour)
        free = replace(laden, bag="none")
        speed, pause = 1.4, 2.0
        dropped_s = begin_s + 1.0
        owner = Mover(
            one.path, one.sight, "person", dropped_s - stop / speed - pause / 2, speed,
            aside=aside, look=laden, pause_after_m=stop, pause_s=pause, look_after=free,
        )  # fmt: skip
        lies_s = float(self.rng.uniform(14.0, 22.0))
        other = replace(self._look(), bag="none")
        fetcher = replace(
            owner,
            starts_s=dropped_s + lies_s - stop / speed - pause / 2,
            look=other,
            look_after=replace(other, bag="suitcase", bag_colour=colour),
        )
        x, z, heading = one.path.at(one.sight.start + stop + 0.3)
        side = aside + 0.35
        x, z = x + side * math.cos(heading), z - side * math.sin(heading)
        thing = Thing(body, x, z, heading, colour, dropped_s, dropped_s + lies_s)
        return Planted("left-object", name, dropped_s, thing.ends_s, None, thing, (owner, fetcher))

    def _stop(self, one: Way) -> float:
        """Where on a way to put a thing down: well in the picture and near, metres from the start of its sight."""
        length = one.sight.end - one.sight.start
        spots = []
        for share in np.linspace(0.2, 0.8, 25):
            x, z, _ = one.path.at(one.sight.start + float(share) * length)
            pixels_x, pixels_y, scale = self._camera.point(x, 0.0, z)
            inside = 0.12 < pixels_x / self._camera.width < 0.88 and 0.15 < pixels_y / self._camera.height < 0.95
            if inside and in_sight(self._camera, x, z) and scale > 24:
                spots.append(float(share) * length)
        return spots[int(self.rng.integers(len(spots)))] if spots else 0.5 * length


def _nearness(camera: Camera, one: Way) -> float:
    """Median pixels a metre along a way."""
    places = [one.path.at(float(s)) for s in np.linspace(one.sight.start, one.sight.end, 12)]
    return float(np.median([camera.point(x, 0.0, z)[2] for x, z, _ in places]))
