"""From surprise to a threshold for a stated budget of false alarms, and how far the footage bears it out.

Events are counted, not frames: neighbours in time are not independent. Events beyond a high level arrive like a
Poisson process and their heights over it are exponential (peaks over threshold: Davison and Smith, J. R. Stat. Soc. B
1990). Little footage fixes the scale of the heights badly, but by its definition surprise falls off by e every
1 / ln 10: that expectation counts as much as `_PRIOR_PEAKS` peaks. What uncertainty is left is integrated out, so that
the *expected* number of false alarms is the budget.

Held-out experiments on real and generated cameras chose these rules. The scores: by a calibration that has not seen
them (see `unseen`); by the one that has, ten minutes of footage gave four times the budgeted alarms. The level: among
the highest peaks only, since the highest of a long run of frames is no exponential above a low level; with all peaks,
an hour of footage gave a tenth of the budgeted alarms. The peaks: told apart at that very level, as alarms are at the
threshold; told apart at a low one, two alarms were often one peak, and one and a half times the budget came. The prior:
with 10 peaks, two minutes of footage asked for a score of 7 to 9 for one alarm a day, with 30 for 5.5 to 6.3; what is
blatant scores beyond 10. Nothing is capped: a threshold that stops at what the footage shows would give tens of alarms
a day to who asked for one.

What no fit can know is the normal event that the footage does not hold. It may score anything. How often it may
still come is bounded by the footage's length alone (no event in T says: fewer than 3.7 / T, with 97.5 % confidence),
and this is told beside the fit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engines.calibration import SURPRISE_SCALE, Doubles

_DAY_S: Final = 86400.0
_PRIOR_PEAKS: Final = 30
"""What the known slope of surprise weighs, in peaks."""
_HIGHEST: Final = 0.12
"""Share of the peaks that the tail is fitted to."""
_FEWEST: Final = 10
_STILLS: Final = 0.1
_LEAST_SHARE: Final = 0.01
_MOST_SHARE: Final = 0.05
_TOLD_BY: Final = 3
"""Pictures that are to be flagged of those learnt: with fewer, the threshold hangs on the one or two oddest of them."""
_LEVELS: Final = (0.98, 0.95, 0.9, 0.85, 0.8, 0.7)
_TRIED: Final = 400
"""Levels that are tried, about."""
_BLOCKS: Final = 8
_DRAWS: Final = 4096
_DOUBT: Final = 0.025
"""Left out on either side of an interval."""

Stretch = tuple[Doubles, Doubles]
"""Times and smoothed scores of unseen normal frames."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The threshold and how sure it is. Rates are false alarms a day; for stills, shares of pictures."""

    wanted: float
    """The budget, which is the expected rate at the threshold."""
    threshold: float
    """In units of surprise of the smoothed score."""
    events: int
    """Independent peaks that the tail was fitted to."""
    extrapolation: float
    """How many times the budgeted span is longer than the footage; up to 1 nothing was extrapolated."""
    likely: tuple[float, float]
    """95 % interval of the true rate if what the footage holds is all there is: the wider of what the fit leaves open
    and what blocks of the footage say when each is left out in turn (delete-one-block jackknife)."""
    ceiling: float
    """Rates above this the footage rules out by itself, whatever the fit (97.5 %, Poisson)."""

    @property
    def interval(self) -> tuple[float, float]:
        """What to tell people: the true rate is in it, whether or not the footage holds every kind of normal event."""
        return self.likely[0], max(self.likely[1], self.ceiling)


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """The highest independent peaks of some footage."""

    level: float
    heights: Doubles
    """[k]: above the level."""
    blocks: NDArray[np.intp]
    """[k]: the part of the footage that each is in, 0.._BLOCKS - 1."""
    span: float
    """How much footage they are from: days, or pictures."""

    def scale(self, left_out: int = -1) -> float:
        """Mean height over the level, drawn to what surprise means."""
        heights = self.heights[self.blocks != left_out]
        return float(heights.sum() + _PRIOR_PEAKS * SURPRISE_SCALE) / (len(heights) + _PRIOR_PEAKS)

    def log_rate(self, threshold: float, left_out: int = -1) -> float:
        """Logarithm of the likely rate at a threshold, with or without a block."""
        count = int((self.blocks != left_out).sum())
        span = self.span if left_out < 0 else self.span * (1 - 1 / _BLOCKS)
        return math.log((count + 0.5) / span) - max(threshold - self.level, 0) / self.scale(left_out)


def alarms_a_day(rate: float) -> str:
    """A rate of false alarms in words."""
    return f"{rate:g} false alarm{'' if rate == 1 else 's'} a day"


def fit_threshold(stretches: Sequence[Stretch], *, per_day: float, apart_s: float) -> Budget:
    """Find the threshold that normal footage is expected to cross `per_day` times a day.

    `stretches` are pairs of times and smoothed scores of unseen normal frames. Runs above a level with less than
    `apart_s` between them are one peak.
    """
    peaks = _told_apart(stretches, apart_s, peaks_of(stretches, apart_s))
    threshold = _exceeded(peaks, per_day)
    reached = sum(len(_tops(times, scores, threshold, apart_s)) for times, scores in stretches)
    return _budget(peaks, threshold, reached, per_day)


def usual_share(count: int) -> float:
    """The share of normal pictures to be flagged that so many pictures bear out, if nobody asks for another.

    One of a hundred; of fewer than 300 pictures the share that three of them are, but at most one of twenty.
    """
    return min(max(_TOLD_BY / count, _LEAST_SHARE), _MOST_SHARE)


def pictures_for(share: float) -> int:
    """How many pictures bear out a share, so that the threshold lies among them and not beyond."""
    return math.ceil(round(_TOLD_BY / share, 6))


def fit_threshold_stills(scores: Doubles, *, share: float) -> Budget:
    """Find the threshold that a `share` of normal pictures is expected to reach; pictures are independent."""
    order, count = np.argsort(scores, kind="stable"), len(scores)
    kept = order[-max(_FEWEST, round(_STILLS * count)) :]
    level = float(scores[order[-len(kept) - 1]])
    peaks = Peaks(level, scores[kept] - level, kept * _BLOCKS // count, float(count))
    threshold = _exceeded(peaks, share)
    return _budget(peaks, threshold, int((scores >= threshold).sum()), share)


def _budget(peaks: Peaks, threshold: float, reached: int, wanted: float) -> Budget:
    return Budget(
        wanted=wanted,
        threshold=threshold,
        events=len(peaks.heights),
        extrapolation=1 / (wanted * peaks.span),
        likely=_likely(peaks, threshold),
        ceiling=_most_expected(reached) / peaks.span,
    )


def _exceeded(peaks: Peaks, rate: float) -> float:
    """Height that is expected to be exceeded at a rate: the predictive distribution of an exponential (Pareto's)."""
    wanted = rate * peaks.span
    if wanted >= len(peaks.heights):
        return peaks.level
    count = len(peaks.heights) + _PRIOR_PEAKS
    return peaks.level + peaks.scale() * count * math.expm1(math.log(len(peaks.heights) / wanted) / count)


def _likely(peaks: Peaks, threshold: float) -> tuple[float, float]:
    """95 % interval of the rate at a threshold."""
    rng, count = np.random.default_rng(0), len(peaks.heights)
    rates = np.log(rng.gamma(count + 0.5, 1, _DRAWS) / peaks.span)
    weight = count + _PRIOR_PEAKS
    scales = peaks.scale() * weight / rng.gamma(weight, 1, _DRAWS)
    drawn = rates - max(threshold - peaks.level, 0) / scales
    low, middle, high = np.quantile(drawn, (_DOUBT, 0.5, 1 - _DOUBT))
    without = np.array([peaks.log_rate(threshold, block) for block in range(_BLOCKS)])
    widened = max(1.0, _jackknife(without) / max(float(np.std(drawn)), 1e-9))
    return float(np.exp(middle + (low - middle) * widened)), float(np.exp(middle + (high - middle) * widened))


def _jackknife(without: Doubles) -> float:
    """Standard error from estimates that each leave out one block (Kunsch, Ann. Stat. 1989)."""
    return math.sqrt((len(without) - 1) * float(np.var(without)))


def _most_expected(events: int) -> float:
    """The highest mean of a Poisson count that still gives so few events with 2.5 % (Garwood, Biometrika 1936)."""
    low, high = float(events), 2.0 * events + 10
    for _ in range(60):
        middle = (low + high) / 2
        terms = [k * math.log(middle) - middle - math.lgamma(k + 1) for k in range(events + 1)]
        low, high = (middle, high) if sum(map(math.exp, terms)) > _DOUBT else (low, middle)
    return high


def peaks_of(stretches: Sequence[Stretch], apart_s: float) -> Peaks:
    """The highest peaks of all: over the level that cuts the footage into the most of them, the uppermost part.

    Runs above a level with less than `apart_s` between them are one peak.
    """
    days = max(sum(_duration_s(times) for times, _ in stretches), 1.0) / _DAY_S
    scores = np.concatenate([scores for _, scores in stretches])
    starts = np.cumsum([0, *(len(scores) for _, scores in stretches)])
    best, level = np.array([scores.argmax()]), float(scores.min()) - 1e-3
    for at in np.quantile(scores, _LEVELS):
        parts = [
            _tops(times, s, float(at), apart_s) + start for (times, s), start in zip(stretches, starts, strict=False)
        ]
        found = np.concatenate(parts)
        if len(found) > len(best):
            best, level = found, float(at)
    kept = max(_FEWEST, round(_HIGHEST * len(best)))
    if kept < len(best):
        best = best[np.argsort(-scores[best], kind="stable")]
        best, level = best[:kept], float(scores[best[kept]])
    return Peaks(level, scores[best] - level, best * _BLOCKS // len(scores), days)


def _told_apart(stretches: Sequence[Stretch], apart_s: float, peaks: Peaks) -> Peaks:
    """As many peaks, or a few more, that are apart at their own level: the highest one with so many over it."""
    times, scores = _joined(stretches, apart_s)
    if len(_tops(times, scores, peaks.level, apart_s)) == len(peaks.heights):
        return peaks
    levels = np.unique(scores[scores >= peaks.level])[::-1]
    for level in levels[:: max(1, len(levels) // _TRIED)]:
        best = _tops(times, scores, float(level), apart_s)
        if len(best) >= len(peaks.heights):
            return Peaks(float(level), scores[best] - level, best * _BLOCKS // len(scores), peaks.span)
    return peaks


def _joined(stretches: Sequence[Stretch], apart_s: float) -> Stretch:
    """All stretches one after the other, further apart than two peaks must be."""
    moved, end = [], 0.0
    for times, _ in stretches:
        moved.append(times - times[0] + end)
        end = float(moved[-1][-1]) + 2 * apart_s
    return np.concatenate(moved), np.concatenate([scores for _, scores in stretches])


def _tops(times: Doubles, scores: Doubles, level: float, apart_s: float) -> NDArray[np.intp]:
    """Index of the highest frame of each peak above a level."""
    above = np.flatnonzero(scores > level)
    if len(above) == 0:
        return above
    runs = np.split(above, np.flatnonzero(np.diff(times[above]) > apart_s) + 1)
    return np.array([run[scores[run].argmax()] for run in runs])


def _duration_s(times: Doubles) -> float:
    """Length of a stretch: its frames each last as long as the usual step."""
    return float(times[-1] - times[0] + np.median(np.diff(times))) if len(times) > 1 else 0.0
