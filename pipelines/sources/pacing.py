"""Files in real time."""

from __future__ import annotations

import time

MAX_WAIT_S = 2.5
"""A step of a stage stays bounded: a longer gap in a file is shortened to this."""


class Pacer:
    """Waits until a frame's time has come, counted from the first frame."""

    def __init__(self) -> None:
        self._began: tuple[float, float] | None = None

    def wait(self, time_s: float) -> None:
        """Sleep until `time_s` is due. Far behind or far ahead, it starts anew and does not chase."""
        now = time.monotonic()
        if self._began is None:
            self._began = (now, time_s)
        clock_s, first_s = self._began
        ahead_s = clock_s + (time_s - first_s) - now
        if not -1.0 <= ahead_s <= MAX_WAIT_S:
            ahead_s = min(max(ahead_s, 0.0), MAX_WAIT_S)
            self._began = (now + ahead_s, time_s)
        if ahead_s > 0:
            time.sleep(ahead_s)
