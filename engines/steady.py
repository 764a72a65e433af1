"""What moves strangely and goes on doing so: a body moves on, a mismatch of the flow is gone with the next search.

Each flow enters two displacements, so that what one wrong flow makes lasts for one step. Strange motion counts as far
as it was as strange some tenths of a second ago, near enough for a body to have come from there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np

from engines.contract import Floats

APART_S: Final = 0.3
_OLDEST_S: Final = 1.25
"""What is older says nothing of now."""
_REACH: Final = np.ones((7, 7), np.uint8)
"""Cells around, from anywhere among which a body may have come."""
_CLOCK_S: Final = 1e-3


@dataclass(slots=True)
class Steady:
    """The lesser of how strange motion is now and was near there `APART_S` ago, of one camera."""

    _kept: deque[tuple[float, Floats]] = field(default_factory=deque, init=False)
    """Times and maps, each place with the most that was near it."""

    def forget(self) -> None:
        """Begin anew."""
        self._kept.clear()

    def step(self, time_s: float, strange: Floats | None) -> Floats | None:
        """Take in a map, float32 [h, w], or None when motion was not measured, which begins anew.

        Returns float32 [h, w]; None while there is no map of so long ago.
        """
        if strange is None:
            self.forget()
            return None
        while self._kept and time_s - self._kept[0][0] > _OLDEST_S:
            self._kept.popleft()
        before = next((near for then_s, near in reversed(self._kept) if time_s - then_s >= APART_S - _CLOCK_S), None)
        self._kept.append((time_s, np.asarray(cv2.dilate(strange, _REACH), np.float32)))
        return None if before is None else np.minimum(strange, before)

    def hold(self, until_s: float) -> None:
        """Take in that the last frame was there until this time: nothing moved."""
        if not self._kept:
            return
        still = np.zeros_like(self._kept[-1][1])
        for then_s in (until_s - APART_S, until_s):
            if then_s > self._kept[-1][0]:
                self._kept.append((then_s, still))


def steady(times_s: Sequence[float], maps: Floats) -> Floats:
    """What `Steady` makes of the maps [n, h, w] of one stretch, NaN where there is none of so long ago."""
    camera, made = Steady(), np.full_like(maps, np.nan)
    for index, (time_s, strange) in enumerate(zip(times_s, maps, strict=True)):
        least = camera.step(time_s, strange)
        if least is not None:
            made[index] = least
    return made
