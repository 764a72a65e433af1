"""Counts of scores in fine bins, and the metrics that such counts are enough for.

However much footage there is, ranking metrics over all its pixels need two such counts and no maps. Bins are floating
point numbers of eight significant bits: scores that differ by less than 0.4 % count as equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score  # type: ignore[import-untyped]  # it ships no stubs

Counts: TypeAlias = NDArray[np.float64]

_DROPPED_BITS: Final = 3
"""Of the 16 bits of a half-precision number."""
BINS: Final = 1 << (16 - _DROPPED_BITS)
_LARGEST: Final = float(np.finfo(np.float16).max)


def bins_of(scores: NDArray[np.floating]) -> NDArray[np.uint16]:
    """The bin of each score: bins are in the order of scores. What is not a number counts as the lowest score."""
    known = np.nan_to_num(np.asarray(scores, np.float32), nan=-_LARGEST, posinf=_LARGEST, neginf=-_LARGEST)
    # Adding zero turns -0 into +0, so that both share a bin.
    bits = (np.clip(known, -_LARGEST, _LARGEST).astype(np.float16) + np.float16(0)).view(np.uint16)
    ordered = np.where(bits & 0x8000, np.uint16(0xFFFF) - bits, bits | np.uint16(0x8000)).astype(np.uint16)
    return ordered >> np.uint16(_DROPPED_BITS)


def count(scores: NDArray[np.floating], weight: float = 1.0) -> Counts:
    """Counts of scores of any shape, float64 [BINS]."""
    return np.bincount(bins_of(scores).ravel(), minlength=BINS).astype(np.float64) * weight


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Points of a curve with x from 0 on, in order of falling threshold."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]

    def area(self, until: float) -> float:
        """Area under the curve for x from 0 to `until`, as a share of the most there can be.

        Beyond its last point the curve stays level.
        """
        inside = self.x <= until
        x, y = self.x[inside], self.y[inside]
        end = float(np.interp(until, self.x, self.y))
        x, y = np.append(x, until), np.append(y, end)
        return float(np.trapezoid(y, x)) / until


def auroc(abnormal: Counts, normal: Counts) -> float | None:
    """Area under the ROC curve; None when either kind is missing."""
    if not abnormal.any() or not normal.any():
        return None
    truth, scores, weights = _rows(abnormal, normal)
    return float(roc_auc_score(truth, scores, sample_weight=weights))


def average_precision(abnormal: Counts, normal: Counts) -> float | None:
    """Average precision; None when either kind is missing."""
    if not abnormal.any() or not normal.any():
        return None
    truth, scores, weights = _rows(abnormal, normal)
    return float(average_precision_score(truth, scores, sample_weight=weights))


def rates(normal: Counts, hit: Counts, hits: float) -> Curve:
    """Share of `normal` at or above each threshold (x) against the sum of `hit` there over `hits` (y)."""
    used = np.flatnonzero((normal > 0) | (hit > 0))[::-1]
    x = np.concatenate(([0.0], np.cumsum(normal[used]) / normal.sum()))
    y = np.concatenate(([0.0], np.cumsum(hit[used]) / hits))
    return Curve(x, y)


def _rows(abnormal: Counts, normal: Counts) -> tuple[NDArray[np.int8], NDArray[np.int64], Counts]:
    """Truth, score and weight of each bin that is not empty."""
    first, second = np.flatnonzero(abnormal), np.flatnonzero(normal)
    truth = np.concatenate((np.ones(first.size, np.int8), np.zeros(second.size, np.int8)))
    return truth, np.concatenate((first, second)), np.concatenate((abnormal[first], normal[second]))
