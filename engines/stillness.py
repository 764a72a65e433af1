"""How long a picture has repeated itself: a sensor's noise differs from frame to frame, a frozen picture does not."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.zoning import Cells, Hidden, of_seen, seen_blocks

Codes = NDArray[np.uint8]

_SAME: Final = 0.02
"""Grey levels: two frames that differ by less are the same picture."""
_SAME_AGAIN: Final = 0.06
"""A key frame codes the same picture anew, a little differently."""
_ANCHORS: Final = 12
_EVERY: Final = 8
_OTHER: Final = 0.3
"""Of single pixels, the share that may differ at all: noise changes more."""
_RUN_S: Final = 1.0
"""So long pictures must have come back before it counts since when."""
_GAP_S: Final = 0.5
"""A new picture breaks a run off, unless older ones are back so soon."""
_ACROSS: Final = 16
_CALM: Final = 230
"""Of _ACROSS x _ACROSS blocks, those that count, the calmest: a clock in the picture goes on in one that is frozen. So
it is of fewer, if some are hidden."""


@dataclass(frozen=True, slots=True, eq=False)
class _Picture:
    """A frame that another may repeat."""

    time_s: float
    grey: Codes
    gist: Codes
    """Every eighth pixel of every eighth row: quick to compare."""

    @classmethod
    def of(cls, time_s: float, grey: Codes) -> _Picture:
        return cls(time_s, grey, np.ascontiguousarray(grey[_EVERY // 2 :: _EVERY, _EVERY // 2 :: _EVERY]))

    def repeats(self, other: _Picture, most: float, seen: Cells | None) -> bool:
        """Whether they differ by `most` grey levels where they differ least; nearly all others are told by the gist."""
        if np.count_nonzero(self.gist != other.gist) >= _OTHER * self.gist.size:
            return False
        return stir(other.grey, self.grey, seen) <= most


@dataclass(frozen=True, slots=True)
class _Run:
    """Pictures that came back, without a new one among them."""

    began_s: float
    last_s: float
    since_s: float = math.inf
    """When the first of them came for the first time, which may be before."""

    @property
    def lasted_s(self) -> float:
        run_s = self.last_s - self.began_s
        return self.last_s - min(self.since_s, self.began_s) if run_s >= _RUN_S else run_s


_NO_RUN: Final = _Run(-math.inf, -math.inf)


@dataclass(slots=True)
class Stillness:
    """Follows one camera's frames."""

    _last: _Picture | None = None
    _run: _Run = _NO_RUN
    _before: _Run = _NO_RUN
    """The run that the latest new picture broke off."""
    _anchors: deque[_Picture] = field(default_factory=lambda: deque(maxlen=_ANCHORS))
    """The latest pictures that were new: what is frozen is coded in as many ways as there are frames to a key frame."""
    seen: Cells | None = None
    """bool [_ACROSS * _ACROSS]: the blocks of which nothing is hidden; None: all."""

    def hide(self, hidden: Hidden | None) -> None:
        """Go by what of the picture is seen: what is hidden is always still."""
        self.seen = seen_blocks(hidden, _ACROSS)
        self.forget()

    def step(self, time_s: float, grey: Codes) -> float:
        """Take in a frame, uint8 [H, W]; returns for how long, seconds, the same picture has come."""
        last, picture = self._last, _Picture.of(time_s, grey)
        self._last = picture
        if last is None or last.grey.shape != grey.shape:
            self._anchors.clear()
            self._run = self._before = _NO_RUN
        elif picture.repeats(last, _SAME, self.seen):
            return self._goes_on(self._run, time_s)
        known = next((anchor for anchor in self._anchors if picture.repeats(anchor, _SAME_AGAIN, self.seen)), None)
        if known is None:
            self._before, self._run = self._run, _Run(time_s, time_s)
            self._anchors.append(picture)
            return 0.0
        run = self._run
        if known.time_s < run.began_s and run.began_s - self._before.last_s <= _GAP_S:
            run = self._before  # what broke it off was one more coding of the same picture
        return self._goes_on(replace(run, since_s=min(run.since_s, known.time_s)), time_s)

    def _goes_on(self, run: _Run, time_s: float) -> float:
        self._run = replace(run, last_s=time_s)
        return self._run.lasted_s

    def forget(self) -> None:
        """Begin anew."""
        self._last = None


def stir(one: Codes, other: Codes, seen: Cells | None = None) -> float:
    """How much two frames, uint8 [H, W], differ where they differ least: mean grey levels of the calmer blocks."""
    difference = cv2.absdiff(one, other)
    means = cv2.resize(difference.astype(np.float32), (_ACROSS, _ACROSS), interpolation=cv2.INTER_AREA)
    blocks = of_seen(np.asarray(means, np.float32).ravel(), seen)
    calm = max(1, _CALM * blocks.size // _ACROSS**2)
    return float(np.partition(blocks, min(calm, blocks.size - 1))[:calm].mean())
