"""Who has just left a place: its ground looks as ever again, and the motion found there is not of what is there now.

Motion is over some tenths of a second, and ground that comes into sight behind a body has no match in the frame before:
the search finds some displacement all the same. Where a place has just looked strange and looks less so now, what moved
was what has gone, and motion counts for as much less as the strangeness has fallen. What enters, stays or never looked
strange keeps all of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np

from engines.contract import Floats

_SPAN_S: Final = 0.5
"""What was here longer ago is in no displacement, which is over 0.4 s."""
_CLOCK_S: Final = 1e-3
_ORDINARY: Final = np.float32(0.5)
"""Half as far from normal as normal frames get: below this a place looks as ever, and less says nothing."""
_REACH: Final = np.ones((5, 5), np.uint8)
"""Places around that are taken together, since motion reaches a little further than what moves."""


@dataclass(slots=True)
class Departed:
    """How strange the places of one camera were a moment ago."""

    _kept: deque[tuple[float, Floats]] = field(default_factory=deque, init=False)

    def step(self, time_s: float, unlike: Floats) -> Floats:
        """Take in how far from normal each place looks, float32 [h, w], 1 where as far as normal frames get.

        Returns float32 [h, w]: the share, over 0 and up to 1, that motion there counts for.
        """
        while self._kept and not 0 < time_s - self._kept[0][0] <= _SPAN_S + _CLOCK_S:
            self._kept.popleft()
        now = np.maximum(np.asarray(cv2.dilate(unlike, _REACH), np.float32), _ORDINARY)
        self._kept.append((time_s, now))
        return np.asarray(now / np.max([one for _, one in self._kept], axis=0), np.float32)

    def hold(self, until_s: float) -> None:
        """Take in that the last frame was there until this time."""
        if self._kept and until_s > self._kept[-1][0]:
            self._kept.append((until_s, self._kept[-1][1]))

    def forget(self) -> None:
        """Begin anew."""
        self._kept.clear()


def departed(times_s: Sequence[float], unlike: Floats) -> Floats:
    """What `Departed` makes of the maps [n, h, w] of one stretch."""
    camera = Departed()
    return np.stack([camera.step(time_s, one) for time_s, one in zip(times_s, unlike, strict=True)])


def of_present(motion: Floats, shares: Floats) -> Floats:
    """What is left of maps of motion [n, H, W] by shares [n, h, w], whose places are as large or larger."""
    size = motion.shape[:0:-1]
    fine = np.stack([cv2.resize(one, size, interpolation=cv2.INTER_NEAREST) for one in shares])
    return np.asarray(motion * fine, np.float32)
