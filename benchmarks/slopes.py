"""Whether a curve rises: the Theil-Sen slope, and how far chance moves it.

The median of the slopes of all pairs of points is not moved by some outliers. Its noise is found by a moving-block
bootstrap: the residuals are drawn anew in blocks, since what a process does now goes on for a while.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_POINTS = 120
"""Longer curves are thinned to the medians of so many stretches."""
_DRAWS = 300
_BLOCKS = 8
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Slope:
    """How a quantity changes."""

    per_hour: float
    low: float
    """With 95 % confidence it is at least so much an hour."""
    high: float
    typical: float
    """Median of the quantity."""

    @property
    def level(self) -> bool:
        """Whether the slope is zero within its noise."""
        return self.low <= 0 <= self.high

    @property
    def verdict(self) -> str:
        """In words."""
        return "level within its noise" if self.level else ("rises" if self.rises else "falls")

    @property
    def rises(self) -> bool:
        """Whether it goes up, and not by chance."""
        return self.low > 0


def slope_of(seconds: NDArray[np.float64], values: NDArray[np.float64], seed: int = 0) -> Slope:
    """The slope of values over time, NaN left out; needs ten points."""
    sound = np.isfinite(values)
    hours, heights = _thin(seconds[sound] / 3600.0, values[sound])
    if len(hours) < 10:
        raise ValueError(f"{len(hours)} points are too few for a slope: let it run for longer")
    slope = _theil_sen(hours, heights)
    residuals = heights - slope * hours
    residuals -= np.median(residuals)
    random = np.random.default_rng(seed)
    drawn = [_theil_sen(hours, _in_blocks(residuals, random)) for _ in range(_DRAWS)]
    tail = 100 * (1 - _CONFIDENCE) / 2
    low, high = np.percentile(drawn, (tail, 100 - tail))
    return Slope(slope, slope - float(high), slope - float(low), float(np.median(heights)))


def _thin(hours: NDArray[np.float64], heights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if len(hours) <= _POINTS:
        return hours, heights
    parts = np.array_split(np.arange(len(hours)), _POINTS)
    return np.array([hours[part].mean() for part in parts]), np.array([np.median(heights[part]) for part in parts])


def _theil_sen(hours: NDArray[np.float64], heights: NDArray[np.float64]) -> float:
    first, second = np.triu_indices(len(hours), k=1)
    return float(np.median((heights[second] - heights[first]) / (hours[second] - hours[first])))


def _in_blocks(residuals: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """The residuals in blocks of an eighth, from anywhere, in a new order."""
    length = max(2, len(residuals) // _BLOCKS)
    starts = random.integers(0, len(residuals) - length + 1, -(-len(residuals) // length))
    return np.concatenate([residuals[start : start + length] for start in starts])[: len(residuals)]
