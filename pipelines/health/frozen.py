"""A frozen picture: frames arrive, and all of them show the same one.

Coding leaves no difference between frames either, where the camera is quiet and nothing moves. How long it does so is
the camera's own: a picture is frozen when it has repeated itself for far longer than it ever did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engines.contract import Regime
from engines.stillness import Stillness
from engines.zoning import Hidden
from pipelines.health.evidence import WELL, Evidence, Seen
from pipelines.types import HealthKind

_LEAST_S: Final = 1.7
_LONGER: Final = 2.5
"""Times the longest repetition of the camera's past."""
_UNKNOWN_S: Final = 3.0
"""Taken for that longest while nothing is known of the camera."""
_LEARN_S: Final = 60.0
_CODED_S: Final = 0.5
"""A camera whose noise is coded never repeats itself for so long."""
_SETTLES_S: Final = 3.0
"""A repetition that ended is this camera's habit, unless by then the picture turns out to be frozen."""
_FADES_S: Final = 900.0
"""Quiet nights end: what was long ago counts for less, by half in this time."""


@dataclass(slots=True)
class _Habit:
    """How a camera repeats itself in one regime: by night it may do so for much longer than by day."""

    longest_s: float
    unknown_until_s: float


class Frozen:
    """The same picture for longer than this camera's coding ever made of a quiet scene."""

    kind: HealthKind = "frozen"
    begin_s = 0.0  # the repetition itself has lasted long enough
    end_s = 0.4

    def __init__(self) -> None:
        self._stillness = Stillness()
        self._habits: dict[Regime, _Habit] = {}
        self._habit = _Habit(0.0, 0.0)
        """Of the regime at hand."""
        self._same_s = self._now_s = 0.0
        self._ended_s = self._settles_s = 0.0
        """The longest repetition that ended of late, and when it will be taken for a habit."""
        self._hidden: Hidden | None = None

    def see(self, seen: Seen) -> Evidence:
        """Judge one frame."""
        needed_s = self._needed_s(seen)
        if seen.hidden is not self._hidden:
            self._hidden = seen.hidden
            self._stillness.hide(seen.hidden)
        before_s, self._same_s = self._same_s, self._stillness.step(seen.now_s, seen.look.grey)
        if self._same_s >= needed_s:
            self._ended_s = 0.0
            return Evidence(present=True, suspect=True, cause=f"the picture has not changed for {self._same_s:.0f} s")
        if self._same_s < before_s:
            self._note_end(seen.now_s, before_s, needed_s)
        if self._ended_s and seen.now_s >= self._settles_s:
            self._habit.longest_s, self._ended_s = max(self._habit.longest_s, self._ended_s), 0.0
        return WELL

    def forget(self) -> None:
        """A picture after an outage repeats none before it."""
        self._stillness.forget()
        self._same_s = self._ended_s = 0.0

    def _needed_s(self, seen: Seen) -> float:
        """How long a repetition takes to pass for frozen."""
        habit = self._habit = self._habits.get(seen.regime) or self._begin(seen)
        habit.longest_s *= 0.5 ** (max(0.0, seen.now_s - self._now_s) / _FADES_S)
        self._now_s = seen.now_s
        known = seen.now_s >= habit.unknown_until_s
        return max(_LEAST_S, _LONGER * (habit.longest_s if known else max(habit.longest_s, _UNKNOWN_S)))

    def _begin(self, seen: Seen) -> _Habit:
        """What is known of a regime as it begins for the first time."""
        known = seen.view is not None and not seen.foreign
        still_s = seen.view.still_s if seen.view is not None and known else 0.0
        self._now_s = seen.now_s
        habit = self._habits[seen.regime] = _Habit(still_s, 0.0 if known else seen.now_s + _LEARN_S)
        return habit

    def _note_end(self, now_s: float, lasted_s: float, needed_s: float) -> None:
        """A repetition ended by itself: such is this camera, all the more if it was not long enough to be named."""
        if lasted_s >= needed_s:
            if self._habit.longest_s >= _CODED_S:
                self._habit.longest_s = max(self._habit.longest_s, lasted_s / 2)
        else:
            self._settles_s = self._settles_s if self._ended_s else now_s + _SETTLES_S
            self._ended_s = max(self._ended_s, lasted_s)
