"""From single frames to states: a fault is named once it has lasted, and over once it has been gone for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_LEAST_FRAMES: Final = 2
"""One frame alone names nothing, however long the camera took for the next."""


@dataclass(slots=True)
class Latch:
    """On after `begin_s` of presence in at least two frames, off after `end_s` of absence."""

    begin_s: float
    end_s: float
    on: bool = False
    _changing_s: float | None = None
    _frames: int = 0

    def update(self, now_s: float, *, present: bool) -> bool:
        """Take in one frame; returns whether the latch is on."""
        if present == self.on:
            self._changing_s = None
            return self.on
        if self._changing_s is None:
            self._changing_s, self._frames = now_s, 0
        self._frames += 1
        lasted = now_s - self._changing_s >= (self.end_s if self.on else self.begin_s)
        if lasted and (self.begin_s == 0 or self._frames >= _LEAST_FRAMES):
            self.on, self._changing_s = present, None
        return self.on

    def release(self) -> None:
        """Off at once."""
        self.on, self._changing_s = False, None


@dataclass(slots=True)
class Suspicion:
    """Lasts as long as there is reason, up to `most_s`; after that it wants `calm_s` without reason to arise again."""

    most_s: float
    calm_s: float = 2.0
    _since_s: float | None = None
    _last_s: float = 0.0

    def update(self, now_s: float, *, reason: bool) -> bool:
        """Take in one frame; returns whether it is suspect."""
        if self._since_s is not None and not reason and now_s - self._last_s >= self.calm_s:
            self._since_s = None
        if not reason:
            return False
        if self._since_s is None:
            self._since_s = now_s
        self._last_s = now_s
        return now_s - self._since_s <= self.most_s
