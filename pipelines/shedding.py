"""Load shedding: when cameras ask more of the engine than it can do, each is analysed at a lower rate.

Frames are left out where that is cheapest, between decoding and conversion, and evenly in time, so that a camera which
keeps half of its frames keeps every second one. What is shared out is the time of the threads that judge, by priority.
All cameras of one priority whose every frame is computed keep the same share of them. One that the change gate answers
for, at next to no cost, has nothing to give and keeps all. Shares are chosen so that a little of that time stays free,
since a queue in front of threads that are never free only grows, and every frame in it grows old.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Protocol

import msgspec
from prometheus_client import Gauge

from pipelines.door import Door
from pipelines.metrics import CameraMetrics

Priority = Annotated[int, msgspec.Meta(ge=1, le=100)]

_WINDOW_S: Final = 1.0
"""How often shares are chosen anew."""
_SATURATED: Final = 0.97
"""Threads as busy as this may be short of time by any amount: what they did not get to counts as well."""
_MEMORY: Final = 0.6
"""Weight of what was known of the load against a window's measurement."""
_LEAST: Final = 0.05
"""No camera's share falls below this: it stays watched, if seldom."""
_ANSWERED: Final = 0.05
"""What a frame costs that is answered with the last result, to one that is computed."""


class SheddingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What to do when cameras ask more of the engine than it can do."""

    enabled: bool = True
    """Without shedding the newest frame of each camera replaces one that still waits, and the queue is always full."""
    most_load: Annotated[float, msgspec.Meta(ge=0.5, le=0.98)] = 0.92
    """Share of the judging threads' time that is used; beyond it frames are shed."""


@dataclass(slots=True)
class _Watched:
    door: Door
    metrics: CameraMetrics
    asked: int = 0
    passed: int = 0
    judged: int = 0
    computed: int = 0
    cost: float = 1.0
    """Of a frame of this camera, on average, to one that is computed."""

    def take(self) -> tuple[float, float]:
        """What the window asked for and what of it was let through, in frames that are computed; begins a new one."""
        if self.judged:
            seen = (self.computed + _ANSWERED * (self.judged - self.computed)) / self.judged
            self.cost = _MEMORY * self.cost + (1 - _MEMORY) * seen
        asked, passed = self.door.asked - self.asked, self.door.passed - self.passed
        self.asked, self.passed = self.door.asked, self.door.passed
        self.judged = self.computed = 0
        return self.cost * asked, self.cost * passed


@dataclass(slots=True)
class _Window:
    """What the judging threads have done since the shares were last chosen."""

    began_s: float
    busy_s: float = 0.0


class Shown(Protocol):
    """Where a figure is shown."""

    def set(self, value: float) -> None:
        """Show a value in place of the last."""


class Highest:
    """One gauge for several figures: it shows the highest of them. Each is for one thread at a time."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._figures: list[_Figure] = []

    def one(self) -> Shown:
        """One more figure."""
        figure = _Figure(self._show)
        self._figures.append(figure)
        return figure

    def _show(self) -> None:
        self._gauge.set(max(figure.value for figure in self._figures))


@dataclass(slots=True)
class _Figure:
    changed: Callable[[], None]
    value: float = 0.0

    def set(self, value: float) -> None:
        self.value = value
        self.changed()


class Shedder:
    """Chooses the share of its frames that each camera keeps.

    `worked` is for the threads that judge, `Door.admits` for each camera's, the rest for any.
    """

    def __init__(
        self, settings: SheddingSettings, load: Shown, clock: Callable[[], float] = time.monotonic, *, judges: int = 1
    ) -> None:
        """So many threads judge; `load` is told what is asked as a share of what they can do: above 1 is too much."""
        self._judges = judges
        self._enabled = settings.enabled
        self._most = settings.most_load
        self._gauge = load
        self._clock = clock
        self._watched: dict[str, _Watched] = {}
        self._lock = threading.Lock()
        self._load: float | None = None
        self._window = _Window(clock())

    def door(self, metrics: CameraMetrics, priority: int = 1) -> Door:
        """A camera's door; one of the same name is replaced."""
        door = Door(priority)
        # Cameras that start together would otherwise all leave out the same moments.
        door.credit = math.modf((len(self._watched) + 1) * 0.618)[0]
        metrics.admitted.set(1.0)
        with self._lock:
            self._watched[metrics.camera] = _Watched(door, metrics)
        return door

    def rank(self, camera: str, priority: int) -> None:
        """Give a camera another priority."""
        with self._lock:
            self._watched[camera].door.priority = priority

    def remove(self, camera: str) -> None:
        """Forget a camera."""
        with self._lock:
            self._watched.pop(camera, None)

    def worked(self, busy_s: float, judged: Sequence[str], computed: Sequence[str]) -> None:
        """Take in that a thread which judges spent `busy_s` on frames of these cameras, and which it had to compute."""
        with self._lock:
            window = self._window
            window.busy_s += busy_s
            for camera in judged:
                if (watched := self._watched.get(camera)) is not None:
                    watched.judged += 1
            for camera in computed:
                if (watched := self._watched.get(camera)) is not None:
                    watched.computed += 1
            now_s = self._clock()
            if now_s - window.began_s >= _WINDOW_S:
                self._window = _Window(now_s)
                self._choose(window, now_s - window.began_s)

    def _choose(self, window: _Window, length_s: float) -> None:
        watched = list(self._watched.values())
        judged = sum(one.judged for one in watched)
        passed_frames = sum(one.door.passed - one.passed for one in watched)
        taken = [one.take() for one in watched]
        demands, passed = [asked for asked, _ in taken], sum(passed for _, passed in taken)
        if not judged or not passed:
            return
        asked, busy = sum(demands), min(window.busy_s / (length_s * self._judges), 1.0)
        # Of threads that are always busy only what they left undone tells how much was asked of them.
        undone = max(1.0, passed_frames / judged) if busy >= _SATURATED else 1.0
        seen = busy * undone * asked / passed
        self._load = seen if self._load is None else _MEMORY * self._load + (1 - _MEMORY) * seen
        self._gauge.set(self._load)
        if not self._enabled:
            return
        # For the same time the camera whose frames cost less keeps more of them.
        ranks = [one.door.priority / one.cost for one in watched]
        kept = shares(ranks, demands, self._most / max(self._load, 1e-9))
        for one, share in zip(watched, kept, strict=True):
            one.door.share = share
            one.metrics.admitted.set(share)


def shares(priorities: Sequence[float], demands: Sequence[float], kept: float) -> list[float]:
    """The share of its frames that each camera keeps, so that of all work that they ask for `kept` is left.

    Shares are proportional to priority up to the whole: what the first in rank cannot use goes to the others (weighted
    max-min fairness, Demers et al., SIGCOMM 1989).
    """
    found = [1.0] * len(priorities)
    left, weight = kept * sum(demands), float(sum(p * d for p, d in zip(priorities, demands, strict=True)))
    for index in sorted(range(len(priorities)), key=lambda i: -priorities[i]):
        priority, demand = priorities[index], demands[index]
        found[index] = min(max(left * priority / weight, _LEAST), 1.0) if weight > 0 else 1.0
        left = max(left - found[index] * demand, 0.0)
        weight -= priority * demand
    return found
