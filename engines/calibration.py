"""From raw statistics to surprise; `engines.budget` goes on from there to a threshold.

Everything here is fitted to scores of normal frames that the place model has not seen. Surprise is ``-log10`` of
the share of normal frames that score at least as high. Inside the footage that share is counted; beyond it a
generalised Pareto tail (Pickands, Ann. Stat. 1975) carries on, so that a score keeps its magnitude.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engines.contract import Floats

_KNOTS: Final = 64
_TAIL_SHARE: Final = 0.1
"""The tail is fitted to the highest tenth."""
_FEWEST_TAIL: Final = 8
_LONGEST_TAIL: Final = 0.3
"""Bound of the Pareto shape: heavier tails are never seen, they are noise of the fit to few frames."""
_PRIOR_NORMS: Final = 20
"""What a slope of 1 weighs in `fit_surprise_tail`, in frames."""
SURPRISE_SCALE: Final = 1 / math.log(10)
"""By its definition surprise is reached by e times fewer normal frames every 1 / ln 10."""

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tail:
    """A monotone map from a statistic to surprise."""

    knots: Floats
    """float32 [K], increasing: quantiles of the statistic."""
    surprises: Floats
    """float32 [K], increasing: surprise at each knot; the last knot is where the fitted tail begins."""
    scale: float
    """Scale of the Pareto tail, in units of the statistic."""
    shape: float
    """Its shape, 0 for an exponential tail; never negative, so no score is impossible."""
    _lists: tuple[list[float], list[float]] = field(init=False, repr=False, compare=False)
    """Knots and surprises as Python's own numbers."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lists", (self.knots.tolist(), self.surprises.tolist()))

    def surprise(self, statistic: Floats) -> Floats:
        """Map an array of any shape; the result is float32 of that shape."""
        inside = np.interp(statistic, self.knots, self.surprises)
        if (lowest := float(self.knots[0])) > 0:
            # Maps lie mostly below the lowest statistic of a frame: there too, more stays more, down to 0.
            share = np.clip(statistic, 0, lowest) / lowest  # clipped first: a subnormal `lowest` would overflow
            inside = np.where(statistic < lowest, self.surprises[0] * share, inside)
        excess = np.maximum(statistic - self.knots[-1], 0) / self.scale
        beyond = np.log1p(self.shape * excess) / self.shape if self.shape > 1e-3 else excess
        return np.asarray(inside + beyond / math.log(10), np.float32)

    def surprise_of(self, value: float) -> float:
        """Map one number, a little less exactly rounded and many times as fast as an array of one."""
        knots, surprises = self._lists
        if math.isnan(value):
            return value
        if value >= knots[-1]:
            excess = (value - knots[-1]) / self.scale
            beyond = math.log1p(self.shape * excess) / self.shape if self.shape > 1e-3 else excess
            return surprises[-1] + beyond / math.log(10)
        at = bisect.bisect_right(knots, value)
        if at == 0:
            return surprises[0] * (max(value, 0.0) / knots[0] if knots[0] > 0 else 1.0)
        share = (value - knots[at - 1]) / (knots[at] - knots[at - 1])
        return surprises[at - 1] + share * (surprises[at] - surprises[at - 1])

    def to_array(self) -> Doubles:
        """All of it as one array, for a profile."""
        return np.concatenate([[self.scale, self.shape], self.knots, self.surprises]).astype(np.float64)

    @classmethod
    def from_array(cls, array: Doubles) -> Tail:
        """The inverse of `to_array`. Raises ValueError when it cannot be one."""
        if len(array) < 4 or len(array) % 2 or not array[0] > 0:
            raise ValueError("a calibration curve is malformed")
        knots, surprises = array[2:].astype(np.float32).reshape(2, -1)
        return cls(knots, surprises, float(array[0]), float(array[1]))


def fit_tail(statistics: Doubles, least: float = 0.0) -> Tail:
    """Fit to the statistics of normal frames, [n] with n >= 1.

    The tail's scale will be at least the share `least` of where it begins.
    """
    ordered = np.sort(np.asarray(statistics, np.float64))
    count = len(ordered)
    kept = min(count - 1, max(_FEWEST_TAIL, round(_TAIL_SHARE * count)))
    ranks = np.unique(np.linspace(0, count - 1 - kept, _KNOTS).round().astype(int))
    # (rank from above) / (count + 1): never 0 nor 1, as order statistics have it in the mean.
    surprises = -np.log10((count - ranks) / (count + 1))
    knots, first = np.unique(ordered[ranks], return_index=True)
    start = float(ordered[ranks[-1]])
    scale, shape = _pareto(ordered[ranks[-1] + 1 :] - start, spread=float(np.std(ordered)))
    scale = max(scale, least * abs(start))
    return Tail(knots.astype(np.float32), surprises[first].astype(np.float32), scale, shape)


def fit_surprise_tail(norms: Doubles) -> Tail:
    """Calibrate a norm of surprises, [n], each of them calibrated and weighted by 1 at most.

    Each of k surprises reaches s with probability 10^-s, so the largest does with at most k times that, however they
    depend on each other (Bonferroni): beyond the footage its slope is known to be 1 and need not be fitted to the few
    highest frames, which neighbours in time make fewer still. A norm that adds surprises up falls off more slowly where
    they rise together: what the highest frames show of that counts too, by their number.
    """
    fitted = fit_tail(norms)
    excesses = norms[norms > fitted.knots[-1]] - fitted.knots[-1]
    scale = (float(excesses.sum()) + _PRIOR_NORMS * SURPRISE_SCALE) / (len(excesses) + _PRIOR_NORMS)
    return Tail(fitted.knots, fitted.surprises, max(scale, SURPRISE_SCALE), 0.0)


def _pareto(excesses: Doubles, *, spread: float) -> tuple[float, float]:
    """Scale and shape by probability-weighted moments (Hosking and Wallis, Technometrics 1987)."""
    least = max(spread, 1e-6) * 1e-2
    if len(excesses) == 0:
        return max(spread, least), 0.0
    ordered, count = np.sort(excesses), len(excesses)
    mean = float(ordered.mean())
    weighted = float(np.mean(ordered * (count - np.arange(1, count + 1) + 0.35) / count))
    shape = 2 - mean / (mean - 2 * weighted) if mean > 2 * weighted else 0.0
    # Few excesses say little of the shape: draw it to the exponential.
    shape = min(max(shape * count / (count + 20), 0.0), _LONGEST_TAIL)
    return max(mean * (1 - shape), least), shape
