"""What stays: latents averaged over the last seconds, in which passers-by fade and things left behind do not.

A second view of appearance at a slower pace. The average also quietens the sensor's noise, so it tells smaller
differences than a single frame can.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from engines.contract import GAP_S, Floats

CONSTANT_S: Final = 3.0
"""Time constant of the average."""
LASTING_MODES: Final = 4
"""Averages remembered a place."""
_SETTLED_S: Final = 2 * CONSTANT_S
"""A running average is as quiet as a plain one over twice its time constant; before that passers-by stand out."""


@dataclass(slots=True)
class LastingLatent:
    """The running average of one camera's latents."""

    _mean: Floats | None = field(default=None, init=False)
    _since_s: float = field(default=0.0, init=False)
    _last_s: float = field(default=-math.inf, init=False)
    _latest: Floats = field(default_factory=lambda: np.empty(0, np.float32), init=False)

    def forget(self) -> None:
        """Begin anew."""
        self._mean = None

    def step(self, time_s: float, latent: Floats) -> Floats | None:
        """Take in float32 [h, w, C] and return the average; None until it has settled."""
        passed = time_s - self._last_s
        self._last_s = time_s
        if self._mean is None or not 0 < passed <= GAP_S:
            self._mean, self._latest, self._since_s = latent.copy(), latent.copy(), time_s
            return None
        # A plain mean at first, else the first frame would weigh far more than all others.
        span = min(time_s - self._since_s + passed, CONSTANT_S)
        self._mean += -math.expm1(-passed / span) * (latent - self._mean)
        self._latest[...] = latent
        return self._mean if time_s - self._since_s >= _SETTLED_S else None

    def hold(self, until_s: float) -> None:
        """Take in that the last latent was there until this time: the average moves to it as step by step it would."""
        if self._mean is None or until_s <= self._last_s:
            return
        before_s, after_s = self._last_s - self._since_s, until_s - self._since_s
        # A plain mean as long as that is the shorter, then exponential decay; one frame alone is its own mean.
        stays = min(before_s, CONSTANT_S) / min(after_s, CONSTANT_S)
        stays *= math.exp((max(before_s, CONSTANT_S) - max(after_s, CONSTANT_S)) / CONSTANT_S)
        self._mean += (1 - stays) * (self._latest - self._mean)
        self._last_s = until_s
