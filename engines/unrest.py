"""How much seems to move in a regime that was never enrolled, where nothing is known of its noise.

In the dark the search for motion finds displacements in the sensor's noise, in some parts of the picture and some
cameras far more than in others. What bodies do is over at a place in a moment, and noise goes on: what has been found
around a place on average since the regime began tells how far its noise may get.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np

from engines.contract import Floats

_AROUND: Final = (13, 13)
"""Cells around a place, a fifth of the picture a side: the noise of all of them is about alike."""
_CONSTANT_S: Final = 4.0
"""Time constant of the average: much longer than a body passes."""
_LONGEST_S: Final = 0.5
"""One frame tells of no longer, however long the one before was held."""
_LEAST: Final = np.float32(0.5)
_PEAKS: Final = np.float32(4)
"""What noise may reach is so much and so many times its average. Chosen on generated nights: at 3 times normal motion
crosses the threshold, 5 times hides what 4 times finds."""


@dataclass(slots=True)
class Unrest:
    """The average of how strange one camera's motion is, as it goes along."""

    _mean: Floats | None = field(default=None, init=False)
    _since_s: float = field(default=0.0, init=False)
    _last_s: float = field(default=0.0, init=False)

    def step(self, time_s: float, strange: Floats) -> Floats:
        """Take in a map, float32 [h, w], 1 where as strange as normal motion gets.

        Returns float32 [h, w], at least 1: maps of motion are to be divided by it.
        """
        around = np.asarray(cv2.blur(strange, _AROUND, borderType=cv2.BORDER_REFLECT), np.float32)
        passed_s, self._last_s = min(time_s - self._last_s, _LONGEST_S), time_s
        if self._mean is None or passed_s <= 0:
            self._mean, self._since_s = around, time_s - _CONSTANT_S / 20
        else:
            # A plain mean at first, else the first frame would weigh far more than all others.
            span_s = min(time_s - self._since_s, _CONSTANT_S)
            self._mean = self._mean + np.float32(-math.expm1(-passed_s / span_s)) * (around - self._mean)
        return np.asarray(np.maximum(_LEAST + _PEAKS * self._mean, 1), np.float32)

    def forget(self) -> None:
        """Begin anew."""
        self._mean = None
