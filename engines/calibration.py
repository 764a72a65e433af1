"""From raw statistics to surprise, and from surprise to a threshold for a stated budget of false alarms.

Everything here is fitted to scores of normal frames that the place model has not seen. Surprise is ``-log10`` of
the share of normal frames that score at least as high. Inside the footage that share is counted; beyond it a
generalised Pareto tail (Pickands, Ann. Stat. 1975) carries on, so that a score keeps its magnitude.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
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
_DAY_S: Final = 86400.0
_PRIOR_SCALE: Final = 1 / math.log(10)
"""By its definition surprise falls off by a factor of e every 1 / ln 10; peaks that did not would show the
calibration wrong."""
_PRIOR_PEAKS: Final = 10
"""What that expectation weighs, in peaks."""

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

    def surprise(self, statistic: Floats) -> Floats:
        """Map an array of any shape; the result is float32 of that shape."""
        inside = np.interp(statistic, self.knots, self.surprises)
        excess = np.maximum(statistic - self.knots[-1], 0) / self.scale
        beyond = np.log1p(self.shape * excess) / self.shape if self.shape > 1e-3 else excess
        return np.asarray(inside + beyond / math.log(10), np.float32)

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


def fit_tail(statistics: Doubles) -> Tail:
    """Fit to the statistics of normal frames, [n] with n >= 1."""
    ordered = np.sort(np.asarray(statistics, np.float64))
    count = len(ordered)
    kept = min(count - 1, max(_FEWEST_TAIL, round(_TAIL_SHARE * count)))
    ranks = np.unique(np.linspace(0, count - 1 - kept, _KNOTS).round().astype(int))
    # (rank from above) / (count + 1): never 0 nor 1, as order statistics have it in the mean.
    surprises = -np.log10((count - ranks) / (count + 1))
    knots, first = np.unique(ordered[ranks], return_index=True)
    start = float(ordered[ranks[-1]])
    scale, shape = _pareto(ordered[ranks[-1] + 1 :] - start, spread=float(np.std(ordered)))
    return Tail(knots.astype(np.float32), surprises[first].astype(np.float32), scale, shape)


def fit_surprise_tail(norms: Doubles) -> Tail:
    """Calibrate a combination of surprises, [n], which is nearly calibrated already.

    Each of k surprises reaches s with probability 10^-s, so the largest does with at most k times that, however they
    depend on each other (Bonferroni): beyond the footage the slope is known to be 1 and need not be fitted to the
    few highest frames, which neighbours in time make fewer still.
    """
    fitted = fit_tail(norms)
    return Tail(fitted.knots, fitted.surprises, _PRIOR_SCALE, 0.0)


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


@dataclass(frozen=True, slots=True)
class Budget:
    """The threshold and how sure it is."""

    threshold: float
    """In units of surprise of the smoothed score."""
    events: int
    """Independent peaks that it was fitted to."""
    extrapolation: float
    """How many times the budgeted span is longer than the footage; up to 1 nothing was extrapolated."""


def fit_threshold(stretches: Sequence[tuple[Doubles, Doubles]], *, per_day: float, apart_s: float) -> Budget:
    """Find the threshold that normal footage crosses `per_day` times a day.

    `stretches` are pairs of times and smoothed scores of unseen normal frames. Neighbours in time are not
    independent, so peaks are counted, not frames: runs above a level with less than `apart_s` between them are one
    peak. Peak heights beyond the level are exponential with a scale that few peaks fix badly; its uncertainty is
    integrated out (the predictive distribution of an exponential under the prior 1/scale), so little footage asks
    for a higher threshold.
    """
    length_s = max(sum(_duration_s(times) for times, _ in stretches), 1.0)
    level, peaks = _peaks_over(stretches, apart_s)
    wanted = per_day * length_s / _DAY_S
    return Budget(_exceeded(level, peaks, wanted), len(peaks), _DAY_S / (per_day * length_s))


def fit_threshold_stills(scores: Doubles, *, share: float) -> Budget:
    """Find the threshold that a `share` of normal pictures reaches; pictures are independent."""
    ordered = np.sort(np.asarray(scores, np.float64))
    kept = max(_FEWEST_TAIL, round(_TAIL_SHARE * len(ordered)))
    level, peaks = float(ordered[-kept - 1]), ordered[-kept:]
    return Budget(_exceeded(level, peaks, share * len(ordered)), kept, 1 / (share * len(ordered)))


def _exceeded(level: float, peaks: Doubles, wanted: float) -> float:
    """Height that `wanted` of a like set of peaks would exceed."""
    if wanted >= len(peaks):
        return level
    count = len(peaks) + _PRIOR_PEAKS
    mean = (float(np.sum(peaks - level)) + _PRIOR_PEAKS * _PRIOR_SCALE) / count
    return float(level + mean * count * ((len(peaks) / wanted) ** (1 / count) - 1))


def _peaks_over(stretches: Sequence[tuple[Doubles, Doubles]], apart_s: float) -> tuple[float, Doubles]:
    """The level with the most peaks above it among the upper quantiles, and those peaks' heights."""
    scores = np.concatenate([scores for _, scores in stretches])
    best: tuple[float, Doubles] = (float(scores.min()) - 1e-3, np.array([scores.max()]))
    for level in np.quantile(scores, (0.98, 0.95, 0.9, 0.85, 0.8, 0.7)):
        peaks = np.concatenate([_peaks(times, scores, float(level), apart_s) for times, scores in stretches])
        if len(peaks) > len(best[1]):
            best = (float(level), peaks)
    return best


def _peaks(times: Doubles, scores: Doubles, level: float, apart_s: float) -> Doubles:
    above = np.flatnonzero(scores > level)
    if len(above) == 0:
        return np.empty(0)
    starts = np.flatnonzero(np.diff(times[above], prepend=-np.inf) > apart_s)
    return np.maximum.reduceat(scores[above], starts)


def _duration_s(times: Doubles) -> float:
    """Length of a stretch: its frames each last as long as the usual step."""
    return float(times[-1] - times[0] + np.median(np.diff(times))) if len(times) > 1 else 0.0
