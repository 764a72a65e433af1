"""What the light alone has made strange: a place is allowed that much once the light has changed.

A lamp that is lit makes half of the picture unlike all that was learnt, and leaves it so for hours. While the light
changes, what is strange all around a place is the light's doing; when it has settled, so is what stays strange at the
place itself, unless the light is that of a regime that was learnt: then its strangeness is known already. What stands
out from its surroundings, or comes later, counts as it did before.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np

from engines.contract import Floats

_AROUND: Final = 9
"""Places a side of what is around a place: most things are smaller than half of it."""
_LEVELS: Final = 16.0
_SPARE: Final = 1.3
"""What is allowed, over what was seen: the rest varies as all does."""
_STRANGE: Final = 1.3
"""What was as strange as this before the light changed has another cause."""
_REACH: Final = np.ones((3, 3), np.uint8)
_MOMENT_S: Final = 0.8
"""What is as strange all the time, so long before the light has settled, is so by the light."""
_FADES_S: Final = 60.0
"""Time constant at which an allowance that is not needed goes."""
_GONE: Final = 1.05


@dataclass(slots=True)
class Allowance:
    """What one view of one camera is allowed at each place."""

    learnt: bool = False
    """Whether the light that comes is that of a regime that was learnt: then what stays strange is not its doing."""
    by: Floats | None = field(default=None, init=False)
    """float32 [h, w], at least 1: maps are to be divided by it; None where nothing is allowed."""
    _before: Floats | None = field(default=None, init=False)
    _latest: deque[tuple[float, Floats]] = field(default_factory=deque, init=False)
    """Maps of the last moment of a light that changes."""
    _time_s: float = field(default=-math.inf, init=False)

    def step(self, time_s: float, now: Floats, *, changing: bool, switching: bool = False) -> None:
        """Take in a map [h, w], 1 where as far from normal as normal frames get.

        `changing`: the light is. `switching`: the picture is of no regime, and nothing can be said of it.
        """
        passed_s, self._time_s = time_s - self._time_s, time_s
        if changing:
            while self._latest and time_s - self._latest[0][0] > _MOMENT_S:
                self._latest.popleft()
            self._latest.append((time_s, now))
            much = np.float32(_SPARE) * now if switching else _around(now)
            # What was allowed in the light before is so until the new one has settled.
            self._allow(much if self.by is None or self.learnt else np.maximum(much, self.by))
        elif self._latest:
            self._allow(_around(now) if self.learnt else np.maximum(_around(now), self._stays(now)))
            self._latest.clear()
            self.learnt = False  # as the next one is not
        elif self.by is None:
            self._before, self.learnt = now, False
        else:
            self._fade(now, passed_s)

    def left(self, maps: Floats) -> Floats:
        """What is left of maps [1, h, w]: the same ones where nothing is allowed."""
        return maps if self.by is None else np.asarray(maps / self.by, np.float32)

    def _stays(self, now: Floats) -> Floats:
        """What has been as strange since before the light settled."""
        least = np.min([one for _, one in self._latest], axis=0)
        return np.asarray(np.float32(_SPARE) * np.minimum(now, np.float32(_SPARE) * least), np.float32)

    def _allow(self, much: Floats) -> None:
        allowed = np.maximum(much, 1)
        if self._before is not None:
            strange = cv2.dilate((self._before > _STRANGE).astype(np.uint8), _REACH)
            allowed = np.where(strange > 0, np.minimum(allowed, _around(allowed)), allowed)
        self.by = np.asarray(allowed, np.float32)

    def _fade(self, now: Floats, passed_s: float) -> None:
        """What is not needed goes."""
        assert self.by is not None
        self._before = now / self.by
        share = np.float32(-math.expm1(-passed_s / _FADES_S))
        self.by = np.minimum(self.by, self.by + share * (np.maximum(now, 1) - self.by))
        if float(self.by.max()) < _GONE:
            self.by, self._before = None, now


def _around(maps: Floats) -> Floats:
    """The median of what is around each place: float32 [h, w]."""
    levels = np.clip(maps * np.float32(_LEVELS), 0, 255).astype(np.uint8)
    return np.asarray(cv2.medianBlur(levels, _AROUND), np.float32) * np.float32(1.15 / _LEVELS)
