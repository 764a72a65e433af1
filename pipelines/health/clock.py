"""A clock that jumped: the camera's, by its time stamps, or this machine's."""

from __future__ import annotations

from typing import Final

from pipelines.health.evidence import WELL, Evidence, Seen
from pipelines.types import HealthKind

_JUMP_S: Final = 1.0
_TOLD_S: Final = 5.0
"""A jump is over in a moment: for so long it is told."""
_DRIFT: Final = 0.001
"""The slowest delivery known is forgotten at this rate: two clocks never run at quite the same speed."""


class Clock:
    """Time stamps that run back, or ahead of the fastest delivery so far; wall time that leaves the monotonic clock.

    A network that stalls makes frames late, and then less late: that is no jump.
    """

    kind: HealthKind = "clock"
    begin_s = 0.0
    end_s = 0.2

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._ahead_s: float | None = None
        """How far the time stamps were ahead of the monotonic clock at most."""
        self._wall_s: float | None = None
        self._until_s = 0.0
        self._cause = ""

    def see(self, seen: Seen) -> Evidence:
        """Judge one frame."""
        jumped = self._wall_jumped(seen) or self._stamps_jumped(seen)
        if jumped:
            self._until_s, self._cause = seen.now_s + _TOLD_S, jumped
        return Evidence(present=True, cause=self._cause) if seen.now_s < self._until_s else WELL

    def forget(self) -> None:
        """A new connection has a time base of its own."""
        self._last = self._ahead_s = None

    def _stamps_jumped(self, seen: Seen) -> str:
        pts_s, now_s = seen.sample.pts_s, seen.now_s
        if pts_s is None:
            self.forget()
            return ""
        ahead_s, before = pts_s - now_s, self._last
        self._last = (pts_s, now_s)
        most_s = ahead_s if self._ahead_s is None or before is None else self._ahead_s - _DRIFT * (now_s - before[1])
        self._ahead_s = max(ahead_s, most_s)
        if before is None:
            return ""
        if pts_s <= before[0]:
            self._ahead_s = ahead_s
            return f"the camera's time stamps went back by {before[0] - pts_s + now_s - before[1]:.1f} s"
        if ahead_s > most_s + _JUMP_S:
            return f"the camera's time stamps leapt ahead by {ahead_s - most_s:.1f} s"
        return ""

    def _wall_jumped(self, seen: Seen) -> str:
        offset_s, before_s = seen.sample.wall_s - seen.now_s, self._wall_s
        self._wall_s = offset_s
        if before_s is None or abs(offset_s - before_s) < _JUMP_S:
            return ""
        way = "ahead" if offset_s > before_s else "back"
        return f"this machine's clock was set {way} by {abs(offset_s - before_s):.1f} s"
