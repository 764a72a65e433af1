"""A frame rate that has fallen: the camera, or the network, delivers fewer frames than it used to."""

from __future__ import annotations

from collections import deque
from typing import Final

from pipelines.health.evidence import WELL, Evidence, Seen
from pipelines.types import HealthKind

_WINDOW_S: Final = 1.5
_FALLEN: Final = 0.6
_LEARN_S: Final = 8.0
"""The rate of this long, after the first moments of a connection, is the usual one."""
_SETTLE_S: Final = 3.0
_MEMORY_S: Final = 600.0
_LEAST_FPS: Final = 1.0


class FrameRate:
    """Frames received, analysed or not, by the camera's own clock: a busy machine does not make a camera slow."""

    kind: HealthKind = "frame_rate"
    begin_s = 0.0  # the window has lasted long enough
    end_s = 1.5

    def __init__(self) -> None:
        self._usual: float | None = None
        self._frames: deque[tuple[float, int]] = deque()
        self._began_s: float | None = None
        self._counted = 0
        self._last_s = 0.0

    def see(self, seen: Seen) -> Evidence:
        """Judge one frame."""
        sample = seen.sample
        if sample.stream is None or not sample.stream.live:
            return WELL
        if self._began_s is None or sample.time_s <= self._last_s:
            self._begin(sample.time_s)
        self._frames.append((sample.time_s, 1 + sample.skipped + sample.shed + sample.corrupt))
        while len(self._frames) > 2 and sample.time_s - self._frames[1][0] >= _WINDOW_S:
            self._frames.popleft()
        passed_s, self._last_s = sample.time_s - self._last_s, sample.time_s
        spanned_s = sample.time_s - self._frames[0][0]
        if spanned_s < _WINDOW_S or sample.time_s - (self._began_s or 0.0) < _SETTLE_S + _WINDOW_S:
            return WELL
        rate = sum(count for _, count in list(self._frames)[1:]) / spanned_s
        return self._judge(rate, passed_s, sample.time_s)

    def forget(self) -> None:
        """A new connection settles anew; the rate that is usual stays."""
        self._began_s = None

    def _begin(self, time_s: float) -> None:
        self._began_s = self._last_s = time_s
        self._frames.clear()

    def _judge(self, rate: float, passed_s: float, time_s: float) -> Evidence:
        if self._usual is None:
            if time_s - (self._began_s or 0.0) >= _LEARN_S:
                self._usual = rate
            return WELL
        if rate >= _FALLEN * self._usual:
            self._usual += min(1.0, passed_s / _MEMORY_S) * (rate - self._usual)
            return WELL
        present = self._usual >= _LEAST_FPS
        return Evidence(present, cause=f"{rate:.1f} frames a second instead of {self._usual:.1f}")
