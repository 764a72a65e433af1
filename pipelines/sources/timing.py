"""Which time a decoded frame bears, and which frames are analysed.

Pure arithmetic on seconds: no pixels, no clocks read.
"""

from __future__ import annotations

_JUMP_S = 1.0
_WATCH_S = 10.0
_SANE_SPEED = (0.75, 1.33)


class FileClock:
    """Times of a file's frames from their PTS, counted on by the frame interval where a PTS is missing or runs back."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._shift_s = 0.0
        self._last_s: float | None = None

    def tell(self, pts_s: float | None) -> float:
        """Seconds from the beginning, always increasing; `pts_s` counts from the stream's start time."""
        expected = 0.0 if self._last_s is None else self._last_s + self._interval_s
        time_s = expected if pts_s is None else pts_s + self._shift_s
        if self._last_s is not None and time_s <= self._last_s:
            self._shift_s += expected - time_s
            time_s = expected
        self._last_s = time_s
        return time_s


class LiveClock:
    """Times of a live stream's frames: its PTS while they are sane, else the capture clock.

    PTS keep even spacing through bursts and jitter of the network, so they are preferred. A PTS that is missing,
    runs back or leaps further than the time that passed is bridged by the capture clock. A stream whose PTS run at
    another speed than real time, over ten seconds, is not believed again.
    """

    def __init__(self, *, has_times: bool = True) -> None:
        """Without `has_times` the PTS are known to be made up, and the capture clock counts from the start."""
        self._offset_s: float | None = None
        self._last_s: float | None = None
        self._last_capture_s = 0.0
        self._watched_from: tuple[float, float] | None = None
        self._believed = has_times

    def tell(self, pts_s: float | None, capture_s: float) -> float:
        """Seconds from the first frame, always increasing; `capture_s` is the monotonic clock after decoding."""
        time_s = self._from_pts(pts_s, capture_s) if self._believed else self._from_capture(capture_s)
        self._last_s, self._last_capture_s = time_s, capture_s
        return time_s

    def _from_pts(self, pts_s: float | None, capture_s: float) -> float:
        if pts_s is None:
            self._offset_s = self._watched_from = None
            return self._from_capture(capture_s)
        if self._last_s is None or self._offset_s is None or self._leaps(pts_s + self._offset_s, capture_s):
            time_s = self._from_capture(capture_s)
            self._offset_s, self._watched_from = time_s - pts_s, None
        time_s = pts_s + self._offset_s
        self._watch(time_s, capture_s)
        return time_s

    def _leaps(self, time_s: float, capture_s: float) -> bool:
        assert self._last_s is not None
        return not 0 < time_s - self._last_s <= capture_s - self._last_capture_s + _JUMP_S

    def _watch(self, time_s: float, capture_s: float) -> None:
        if self._watched_from is None:
            self._watched_from = (time_s, capture_s)
        since_s, since_capture_s = self._watched_from
        if (passed_s := capture_s - since_capture_s) >= _WATCH_S:
            self._believed = _SANE_SPEED[0] <= (time_s - since_s) / passed_s <= _SANE_SPEED[1]
            self._watched_from = (time_s, capture_s)

    def _from_capture(self, capture_s: float) -> float:
        if self._last_s is None:
            return 0.0
        return self._last_s + max(capture_s - self._last_capture_s, 1e-6)


class Sampler:
    """Chooses frames at an even rate: of each tick of the rate's grid, the frame nearest to it.

    The grid does not drift: 15 frames a second sampled at 5 give exactly 1 in 3, at 4 they give gaps of 3 and 4
    frames. A source that is slower than the rate gives every frame. After a gap the grid starts anew.
    """

    def __init__(self, fps: float | None) -> None:
        self._period_s = None if fps is None else 1.0 / fps
        self._due_s: float | None = None
        self._last_s = 0.0
        self._interval_s: float | None = None

    def wants(self, time_s: float) -> bool:
        """Whether the frame of this time is to be analysed; times increase."""
        if self._period_s is None:
            return True
        if self._due_s is None:
            self._due_s, self._last_s = time_s + self._period_s, time_s
            return True
        self._learn_interval(time_s)
        assert self._interval_s is not None
        if time_s < self._due_s - min(self._interval_s, self._period_s) / 2:
            return False
        late = time_s - self._due_s > self._period_s
        self._due_s = (time_s if late else self._due_s) + self._period_s
        return True

    def _learn_interval(self, time_s: float) -> None:
        step_s, self._last_s = time_s - self._last_s, time_s
        known_s = self._interval_s
        self._interval_s = step_s if known_s is None else known_s + 0.1 * (min(step_s, 2 * known_s) - known_s)
