"""What is strange for one moment only: how bodies part and join in the search for motion, not what they do.

A pair that passes is one large body for a frame, and is measured by others as large: what jumps up so, and was
ordinary a moment before, counts for no more than somewhat above that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from engines.contract import Floats

_RECENT_S: Final = 0.3
"""Younger than this is what was a moment before; where frames are further apart, nothing is limited."""
_RISE: Final = 1.5
"""So many times as strange as in the last moments: what truly begins goes on, and is believed a frame later."""
_CLOCK_S: Final = 1e-3


@dataclass(slots=True)
class Sudden:
    """Limits one statistic of one camera by what it was a moment before."""

    _kept: deque[tuple[float, float]] = field(default_factory=deque, init=False)
    """Times and statistics as they came."""

    def forget(self) -> None:
        """Begin anew."""
        self._kept.clear()

    def step(self, time_s: float, value: float) -> float:
        """Take in a statistic, NaN where nothing was measured, and return what is believed of it."""
        while self._kept and not 0 < time_s - self._kept[0][0] < _RECENT_S - _CLOCK_S:
            self._kept.popleft()
        before = max((then for _, then in self._kept), default=np.inf)
        if not np.isnan(value):
            self._kept.append((time_s, value))
        return min(value, _RISE * before)


def limit_sudden(times_s: Sequence[float], values: Floats) -> Floats:
    """What `Sudden` makes of the statistics [n] of one stretch."""
    camera = Sudden()
    limited = [camera.step(time_s, value) for time_s, value in zip(times_s, values.tolist(), strict=True)]
    return np.array(limited, np.float32)
