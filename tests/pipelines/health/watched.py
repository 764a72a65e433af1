"""A camera's monitor on a clock of its own, and what can go wrong with a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import count, islice

import cv2
import numpy as np
from prometheus_client import CollectorRegistry

from engines.contract import Pixels, Regime
from engines.view import View, fit_view, look_at
from engines.zoning import Hidden
from pipelines.health.monitor import Fitness, Monitor
from pipelines.health.settings import HealthSettings
from pipelines.metrics import Metrics
from pipelines.sources.source import Sample, Stream
from pipelines.types import HealthEvent
from tests.footage import walkers

FPS = 5.0
_GRAINS = count()
STREAM = Stream(320, 240, "h264", live=True)


@cache
def place() -> tuple[Pixels, ...]:
    """Twenty seconds of the small place, five frames a second at the network's size."""
    frames = islice(walkers(20), 0, None, 2)
    return tuple(np.asarray(cv2.resize(f, (256, 256), interpolation=cv2.INTER_AREA), np.uint8) for f in frames)


@cache
def usual() -> View:
    """How the place looks as a rule."""
    return fit_view([look_at(frame) for frame in place()], still_s=0.0)


@dataclass
class Watched:
    """A monitor that is shown frame after frame."""

    views: dict[Regime, View] = field(default_factory=lambda: {"day": usual()})
    settings: HealthSettings = field(default_factory=HealthSettings)
    now_s: float = 1000.0
    wall_s: float = 1.8e9
    pts_s: float | None = 0.0
    stream: Stream | None = STREAM
    told: list[HealthEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.registry = CollectorRegistry()
        metrics = Metrics(self.registry).camera("gate")
        self.monitor = Monitor("gate", metrics, self.told.append, views=self.views, settings=self.settings)

    def see(
        self,
        pixels: Pixels,
        *,
        after_s: float = 1 / FPS,
        stamped_s: float | None = None,
        skipped: int = 2,
        corrupt: int = 0,
        damaged: bool = False,
        hidden: Hidden | None = None,
    ) -> Fitness:
        """Show the next frame, `after_s` after the one before, by its time stamps `stamped_s` after it."""
        self.now_s += after_s
        self.wall_s += after_s
        self.pts_s = None if self.pts_s is None else self.pts_s + (after_s if stamped_s is None else stamped_s)
        return self.monitor.see(
            Sample(
                pixels=pixels,
                time_s=self.now_s,
                captured_ns=round(self.now_s * 1e9),
                wall_s=self.wall_s,
                picture=lambda: pixels,
                skipped=skipped,
                corrupt=corrupt,
                stream=self.stream,
                pts_s=self.pts_s,
                damaged=damaged,
                hidden=hidden,
            )
        )

    def watch(self, frames: Iterable[Pixels]) -> list[Fitness]:
        """Show frames at the usual rate."""
        return [self.see(frame) for frame in frames]

    @property
    def begun(self) -> list[str]:
        """Kinds of the faults told so far, in order."""
        return [event.kind for event in self.told if event.phase == "begin"]

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, {"camera": "gate", **labels})


def seconds(length_s: float, change: Callable[[Pixels, int], Pixels] = lambda p, _: p) -> Iterator[Pixels]:
    """So many seconds of the place, each frame changed; `change` is given the frame's number. No two are the same."""
    frames = place()
    for number in range(round(length_s * FPS)):
        grained = cv2.add(frames[number % len(frames)], _grain()[next(_GRAINS) % len(_grain())])
        yield change(np.asarray(grained, np.uint8), number)


@cache
def _grain() -> tuple[Pixels, ...]:
    rng = np.random.default_rng(5)
    return tuple(rng.integers(0, 4, (256, 256, 3), np.uint8) for _ in range(37))


def noisy(level: float) -> Callable[[Pixels, int], Pixels]:
    """A sensor that sees one grey level everywhere."""

    def shown(pixels: Pixels, number: int) -> Pixels:
        noise = np.random.default_rng(number).normal(level, 2, pixels.shape)
        return np.asarray(np.clip(noise, 0, 255), np.uint8)

    return shown


def blurred(pixels: Pixels, _: int) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 3), np.uint8)


def shifted(right: int, down: int = 0) -> Callable[[Pixels, int], Pixels]:
    """The camera was turned: mirrored where nothing is known."""

    def shown(pixels: Pixels, _: int) -> Pixels:
        move = np.array([[1, 0, right], [0, 1, down]], np.float32)
        return np.asarray(cv2.warpAffine(pixels, move, (256, 256), borderMode=cv2.BORDER_REFLECT), np.uint8)

    return shown


def frozen(_: Pixels, __: int) -> Pixels:
    return place()[0]


def overexposed(pixels: Pixels, _: int) -> Pixels:
    return np.asarray(np.clip(pixels.astype(np.float32) * 3 + 60, 0, 255), np.uint8)


def covered(pixels: Pixels, number: int) -> Pixels:
    """Something dark, brighter to one side, without an edge."""
    shade = np.linspace(25, 70, 256)[None, :, None]
    grain = np.random.default_rng(number).normal(0, 2, pixels.shape)
    return np.asarray(np.clip(shade + grain, 0, 255), np.uint8)
