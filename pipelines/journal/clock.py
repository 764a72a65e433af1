"""The journal's own clock, by which alerts grow old."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class JournalClock:
    """Seconds that never go back and never leap while the daemon runs, whatever becomes of the wall clock.

    It reads like Unix time in the beginning. While the daemon runs it goes on with the machine's uptime, sleep
    included; from one run to the next it goes on by the wall clock, unless that went back. So a clock that is set
    makes no alert older or younger.
    """

    base_s: float
    started_s: float
    """Uptime when the clock read `base_s`."""

    @classmethod
    def going_on(cls, latest: tuple[float, float] | None, *, wall_s: float, uptime_s: float) -> Self:
        """Go on from the latest alert, of which both this clock and the wall clock are known."""
        if latest is None:
            return cls(wall_s, uptime_s)
        clock_s, then_s = latest
        return cls(clock_s + max(0.0, wall_s - then_s), uptime_s)

    def read(self, uptime_s: float) -> float:
        """What time it is."""
        return self.base_s + max(0.0, uptime_s - self.started_s)


def uptime_s() -> float:
    """Seconds since the machine started, its sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
