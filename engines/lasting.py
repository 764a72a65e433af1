"""What stays: latents averaged over the last seconds, in which passers-by fade and things left behind do not.

A second view of appearance at a slower pace. The average also quietens the sensor's noise, so it tells smaller
differences than a single frame can. What is strange must be so now and some seconds ago: a passer-by who tarries is in
one of the two averages, and what was left behind in both.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np

from engines.contract import GAP_S, Floats

CONSTANT_S: Final = 2.0
"""Time constant of the average."""
_BRIEF_S: Final = 0.5
"""Time constant of the average that tells what is still there."""
LASTING_MODES: Final = 8
"""Averages remembered a place."""
SETTLED_S: Final = 2 * CONSTANT_S
"""A running average is as quiet as a plain one over twice its time constant; before that passers-by stand out."""
APART_S: Final = 4.0
"""The two averages that must both be strange are so far apart."""
_BRIDGED_S: Final = 3 * APART_S
"""What is older says nothing of now."""
_SPACING_S: Final = 0.5
"""Distances closer than this to the last ones kept need not be kept: averages move slowly."""
_SHARE: Final = 0.99
_SIGMA: Final = 1.0
_FLOOR: Final = 1.0
_LEAST: Final = 2.0
"""Smaller differences nobody would see, in whitened averages: the noise of a single frame is about 8, the root of the
channels' number."""


@dataclass(slots=True)
class LastingLatent:
    """The running average of one camera's latents."""

    _mean: Floats | None = field(default=None, init=False)
    _since_s: float = field(default=0.0, init=False)
    _last_s: float = field(default=-math.inf, init=False)
    _latest: Floats = field(default_factory=lambda: np.empty(0, np.float32), init=False)
    _brief: Floats = field(default_factory=lambda: np.empty(0, np.float32), init=False)

    @property
    def brief(self) -> Floats:
        """An average of the last moment, float32 [h, w, C]: a thing that was fetched is gone from it at once.

        What stands out from the slow average alone is no longer there.
        """
        return self._brief

    def forget(self) -> None:
        """Begin anew."""
        self._mean = None

    def step(self, time_s: float, latent: Floats) -> Floats | None:
        """Take in float32 [h, w, C] and return the average; None until it has settled.

        The array is kept, and must not be written to again.
        """
        passed = time_s - self._last_s
        self._last_s = time_s
        if self._mean is None or not 0 < passed <= GAP_S:
            self._mean, self._latest, self._brief, self._since_s = latent.copy(), latent, latent.copy(), time_s
            return None
        # A plain mean at first, else the first frame would weigh far more than all others.
        span = min(time_s - self._since_s + passed, CONSTANT_S)
        _move(self._mean, latent, -math.expm1(-passed / span))
        _move(self._brief, latent, -math.expm1(-passed / _BRIEF_S))
        self._latest = latent
        return self._mean if time_s - self._since_s >= SETTLED_S else None

    def hold(self, until_s: float) -> None:
        """Take in that the last latent was there until this time: the average moves to it as step by step it would."""
        if self._mean is None or until_s <= self._last_s:
            return
        before_s, after_s = self._last_s - self._since_s, until_s - self._since_s
        # A plain mean as long as that is the shorter, then exponential decay; one frame alone is its own mean.
        stays = min(before_s, CONSTANT_S) / min(after_s, CONSTANT_S)
        stays *= math.exp((max(before_s, CONSTANT_S) - max(after_s, CONSTANT_S)) / CONSTANT_S)
        _move(self._mean, self._latest, 1 - stays)
        _move(self._brief, self._latest, -math.expm1(-(until_s - self._last_s) / _BRIEF_S))
        self._last_s = until_s


def _move(average: Floats, to: Floats, share: float) -> None:
    """Move an average [h, w, C] by a share of the way, in place and in one pass."""
    rows = average.reshape(len(average), -1)
    cv2.accumulateWeighted(to.reshape(rows.shape), rows, share)


@dataclass(slots=True)
class Standing:
    """The lesser of the distances now and `APART_S` ago at each place, of one camera."""

    _kept: deque[tuple[float, Floats]] = field(default_factory=deque, init=False)
    _bridges: bool = field(default=False, init=False)

    def forget(self) -> None:
        """Begin anew."""
        self._kept.clear()
        self._bridges = False

    def bridge(self) -> None:
        """The averages begin anew in another regime: until they are old enough, what stood before it is what was then.

        What stands through a switch would else be told only when both averages are made again, after many seconds.
        """
        while len(self._kept) > 1:
            self._kept.popleft()
        self._bridges = bool(self._kept)

    def step(self, time_s: float, distance: Floats | None) -> Floats | None:
        """Take in distances of the averages, float32 [h, w], or None when there is no average, which begins anew.

        Returns float32 [h, w]; None while there is none of so long ago.
        """
        if self._bridges and time_s - self._kept[0][0] > _BRIDGED_S:
            self.forget()
        if distance is None:
            if not self._bridges:
                self.forget()
            return None
        if not self._bridges:
            self._fill(time_s, distance)
        self._bridges = False
        while len(self._kept) > 1 and time_s - self._kept[1][0] >= APART_S:
            self._kept.popleft()
        before = self._kept[0] if self._kept else (math.inf, distance)
        if not self._kept or time_s - self._kept[-1][0] >= _SPACING_S:
            self._kept.append((time_s, distance))
        return np.minimum(distance, before[1]) if time_s - before[0] >= APART_S else None

    def _fill(self, time_s: float, distance: Floats) -> None:
        """Where frames were held: between the last distance and this one the average moved all the same."""
        if not self._kept:
            return
        last_s, last = self._kept[-1]
        for part in range(1, parts := int((time_s - last_s) / _SPACING_S)):
            share = np.float32(part / parts)
            self._kept.append((last_s + part * (time_s - last_s) / parts, last + share * (distance - last)))


def stand(times_s: Sequence[float], distances: Floats) -> Floats:
    """What `Standing` makes of the distances [n, h, w] of one stretch, NaN where there are none."""
    standing, made = Standing(), np.full_like(distances, np.nan)
    for index, (time_s, distance) in enumerate(zip(times_s, distances, strict=True)):
        least = standing.step(time_s, None if np.isnan(distance[0, 0]) else distance)
        if least is not None:
            made[index] = least
    return made


def lasting_scale(distances: Floats) -> Floats:
    """How far from the memory places normally get, float32 [h, w], of distances [n, h, w] without NaN.

    Unlike a single frame's, averages hardly depend on who happened to step where, so that a place need not answer for
    its neighbours; what counts for little at a quiet place is told by the mean of all.
    """
    usual = np.quantile(distances, _SHARE, axis=0).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(usual, (0, 0), _SIGMA), np.float32)
    return np.asarray(np.hypot(smooth + np.float32(_FLOOR * float(smooth.mean())), _LEAST), np.float32)
