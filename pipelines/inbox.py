"""Bounded hand-over from the threads that judge, and from the cameras' threads, to the publisher."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from pipelines.types import CameraStatus, HealthEvent, Verdict

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Report:
    """A camera's state, and when it was told (monotonic)."""

    status: CameraStatus
    told_ns: int


@dataclass(frozen=True, slots=True)
class Add(Generic[C]):
    """A camera is to be published from now on."""

    camera: C


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a camera has begun or ended."""

    event: HealthEvent


@dataclass(frozen=True, slots=True)
class Remove:
    """A camera is to be forgotten."""

    camera: str


@dataclass(slots=True)
class Inbox(Generic[C]):
    """A queue of verdicts, at most `size` of them, and of what else the publisher is told, in order.

    When it is full, a verdict that is not flagged goes first, the oldest of them; if all are flagged, the oldest of
    the camera with the most waiting. `on_drop` is told each time, on the thread that offered.
    """

    size: int
    on_drop: Callable[[Verdict], None]
    _items: deque[Item[C]] = field(default_factory=deque)
    _verdicts: int = 0
    _filled: threading.Condition = field(default_factory=threading.Condition)

    def __len__(self) -> int:
        return len(self._items)

    def offer(self, verdict: Verdict) -> bool:
        """Leave a verdict; False if this very one was dropped."""
        with self._filled:
            dropped = self._make_room(verdict)
            if dropped is not verdict:
                self._items.append(verdict)
                self._verdicts += 1
                self._filled.notify()
        if dropped is not None:
            self.on_drop(dropped)
        return dropped is not verdict

    def report(self, report: Report) -> None:
        """Leave a state; an earlier one of the same camera and kind that still waits gives way to it."""
        with self._filled:
            self._items = deque(item for item in self._items if not _is_replaced(item, report.status))
            self._items.append(report)
            self._filled.notify()

    def order(self, order: Add[C] | Remove | Fault) -> None:
        """Leave an order or word of a fault; it is never dropped."""
        with self._filled:
            self._items.append(order)
            self._filled.notify()

    def take(self, timeout_s: float) -> Item[C] | None:
        """The oldest item; None if none came within the time."""
        with self._filled:
            if not self._items and timeout_s > 0:
                self._filled.wait(timeout_s)
            if not self._items:
                return None
            item = self._items.popleft()
            self._verdicts -= isinstance(item, Verdict)
            return item

    def _make_room(self, newest: Verdict) -> Verdict | None:
        """Take out what has to go for a verdict to come in; the verdict itself if it is the one to go."""
        if self._verdicts < self.size:
            return None
        waiting = [item for item in self._items if isinstance(item, Verdict)] + [newest]
        goes = _least_missed(waiting)
        if goes is not newest:
            self._items = deque(item for item in self._items if item is not goes)
            self._verdicts -= 1
        return goes


Item: TypeAlias = Verdict | Report | Add[C] | Remove | Fault


def _least_missed(verdicts: list[Verdict]) -> Verdict:
    for verdict in verdicts:
        if not verdict.flagged:
            return verdict
    most, _ = Counter(verdict.frame.camera for verdict in verdicts).most_common(1)[0]
    return next(verdict for verdict in verdicts if verdict.frame.camera == most)


def _is_replaced(item: object, status: CameraStatus) -> bool:
    if not isinstance(item, Report):
        return False
    return (item.status.camera, item.status.state) == (status.camera, status.state)
