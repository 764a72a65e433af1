"""The ordinary comings and goings of a view."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from pipelines.simulation.scene.body import Look, dress
from pipelines.simulation.scene.geometry import Camera
from pipelines.simulation.scene.layout import Colour, Stream, View
from pipelines.simulation.scene.noise import generator
from pipelines.simulation.scene.tracks import Mover, Path, Sight, sight

_BLOCK_S = 20.0
_WARDROBE = 48
_CAR_COLOURS: tuple[Colour, ...] = (
    (160, 30, 32), (206, 208, 212), (40, 58, 98), (30, 30, 34), (122, 126, 130), (228, 228, 226), (62, 92, 74),
)  # fmt: skip
MARGIN_M = {"people": 1.3, "cars": 3.2}
"""How far out of the picture a mover starts and ends."""


@dataclass(frozen=True, slots=True)
class Way:
    """A stream as one camera sees it, in one direction."""

    path: Path
    sight: Sight
    stream: Stream


def way(camera: Camera, stream: Stream, *, backward: bool = False) -> Way | None:
    """The stretch of a stream in sight; None if it passes out of sight."""
    path = Path(tuple(reversed(stream.path)) if backward else stream.path)
    seen = sight(camera, path, MARGIN_M[stream.traffic])
    return None if seen is None else Way(path, seen, stream)


def population(*keys: int) -> tuple[Look, ...]:
    """The people of one day."""
    return tuple(dress(generator(*keys, 80, i)) for i in range(_WARDROBE))


class Crowd:
    """Who is there at any time: the same for the same view and seed, without end."""

    def __init__(self, view: View, camera: Camera, number: int, seed: int) -> None:
        self._number, self._seed = number, seed
        self._looks = population(number, seed)
        self._ways: list[tuple[Way, ...]] = []
        for stream in view.streams:
            both = (way(camera, stream), None if stream.one_way else way(camera, stream, backward=True))
            self._ways.append(tuple(one for one in both if one is not None))
        slowest = 0.8
        longest = [
            (w.sight.end - w.sight.start) / (slowest if w.stream.traffic == "people" else 3) for w in self._all()
        ]
        self._memory_s = max([0.0, *longest]) + 12.0
        self._block = functools.lru_cache(maxsize=256)(self._fill)

    def _all(self) -> list[Way]:
        return [one for ways in self._ways for one in ways]

    def at(self, time_s: float) -> list[Mover]:
        """Everyone in or near the picture."""
        first = math.floor((time_s - self._memory_s) / _BLOCK_S)
        last = math.floor(time_s / _BLOCK_S)
        blocks = (self._block(i, block) for i in range(len(self._ways)) for block in range(first, last + 1))
        return [mover for block in blocks for mover in block if mover.starts_s <= time_s < mover.ends_s]

    def _fill(self, index: int, block: int) -> tuple[Mover, ...]:
        """Those who set out on one stream in one block of time."""
        ways = self._ways[index]
        if not ways:
            return ()
        rng = generator(self._number, self._seed, 81, index, block + 10_000)
        stream = ways[0].stream
        count = int(rng.poisson(stream.per_minute * _BLOCK_S / 60))
        starts = np.sort(rng.uniform(block * _BLOCK_S, (block + 1) * _BLOCK_S, count))
        if stream.traffic == "cars":
            spaced = [s for i, s in enumerate(starts) if i == 0 or s - starts[i - 1] > 1.5]
            return tuple(_drive(ways[0], float(s), rng) for s in spaced if s < (block + 1) * _BLOCK_S - 1.5)
        movers: list[Mover] = []
        for start in starts:
            movers += self._walk(ways[int(rng.integers(len(ways)))], float(start), rng)
        return tuple(movers)

    def _walk(self, one: Way, start_s: float, rng: np.random.Generator) -> list[Mover]:
        """A walker, now and then two side by side; some stop for a moment."""
        half = one.stream.width / 2
        speed = float(np.clip(rng.normal(one.stream.speed, 0.16), 0.85, 1.75))
        aside = float(rng.uniform(-0.5 * half, half) if not one.stream.one_way else rng.uniform(-half, half))
        length = one.sight.end - one.sight.start
        stops = rng.random() < 0.07 and not one.stream.one_way
        pause_after, pause = (
            (float(rng.uniform(0.3, 0.7)) * length, float(rng.uniform(2, 6))) if stops else (math.inf, 0.0)
        )
        first = Mover(
            one.path,
            one.sight,
            "person",
            start_s,
            speed,
            aside=aside,
            look=self._looks[int(rng.integers(_WARDROBE))],
            pause_after_m=pause_after,
            pause_s=pause,
        )
        if rng.random() > 0.2 or half < 0.9:
            return [first]
        beside = aside - 0.75 if aside > 0 else aside + 0.75
        second = Mover(
            one.path,
            one.sight,
            "person",
            start_s + float(rng.uniform(-0.2, 0.2)),
            speed,
            aside=beside,
            look=self._looks[int(rng.integers(_WARDROBE))],
            pause_after_m=pause_after,
            pause_s=pause,
        )
        return [first, second]


def _drive(one: Way, start_s: float, rng: np.random.Generator) -> Mover:
    colour = _CAR_COLOURS[int(rng.integers(len(_CAR_COLOURS)))]
    return Mover(one.path, one.sight, "car", start_s, one.stream.speed, colour=colour)
