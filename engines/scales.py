"""How far from normal each place normally gets, learnt from its own past and from that of its picture row.

A place's own past says most, once there is enough of it. Little footage shows few bodies a place, and then the row says
more: in perspective, what is in one row is about as far away, as large and as fast. How much each of the two is to
say is not set by hand: the share is taken at which frames that were held out come least above their scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.contract import Floats
from engines.place import smooth_scale

SHARES: Final = (0.0, 0.15, 0.3, 0.5, 0.7, 0.85, 1.0)
"""How much a place's own past may say."""
_ROW_SHARE: Final = 0.1
"""Share of a row's places that may be further from normal than the row's scale."""
_LEVEL_SHARE: Final = 0.99
_HIGH_SHARE: Final = 0.99
_ROWS: Final = 3
"""Rows of places that are about as far away."""
_ROW_FLOOR: Final = 0.1
_WORTH: Final = 0.0125
"""The least share is taken that costs at most so much more than the best: what a row shows varies less than what a
place does (the rule of one standard error; Breiman et al., Classification and Regression Trees, 1984)."""

Indices: TypeAlias = NDArray[np.intp]
High: TypeAlias = Callable[[Indices], Floats]
"""From frames to how far each place gets in them, [h, w, ...]."""
Blend: TypeAlias = Callable[[Floats, float], Floats]
"""From that and a share to a scale of the same shape."""
Level: TypeAlias = Callable[[Indices, Floats], Floats]
"""From frames [n] and a scale to their statistics [n]."""


def along_row(high: Floats, reach: int) -> Floats:
    """One scale for each row of [h, w] or [h, w, K], smoothed over `reach` rows: float32 of the same shape."""
    row = np.quantile(high, 1 - _ROW_SHARE, axis=1, keepdims=True).astype(np.float32)
    return np.asarray(cv2.blur(np.ascontiguousarray(np.broadcast_to(row, high.shape)), (1, reach)), np.float32)


def choose_share(folds: Indices, activity: Floats, high: High, blend: Blend, level: Level) -> float:
    """Choose how much a place's own past is to say, one of SHARES.

    `folds` [n] numbers the block of time of each frame. Each block is measured against scales from the others. A share
    is good when the statistics of unseen normal frames stay low although scales are small, so it is judged by the
    logarithm of a high quantile of these statistics plus the mean logarithm of the scale. `activity`, of the scale's
    shape, weighs the places in that mean: what happens will mostly happen where things happen.
    """
    weights = activity / activity.sum()
    parts = [(np.flatnonzero(folds == fold), high(np.flatnonzero(folds != fold))) for fold in np.unique(folds)]

    def cost(share: float) -> float:
        scales = [blend(highest, share) for _, highest in parts]
        levels = [level(inside, scale) for (inside, _), scale in zip(parts, scales, strict=True)]
        size = np.mean([float((weights * np.log(scale)).sum()) for scale in scales])
        return math.log(float(np.quantile(np.concatenate(levels), _LEVEL_SHARE))) + float(size)

    costs = [cost(share) for share in SHARES]
    return next(share for share, one in zip(SHARES, costs, strict=True) if one <= min(costs) + _WORTH)


def scale_of(magnitudes: Floats, frames: Indices, share: float | None) -> Floats:
    """A scale, float32 [h, w], by some frames' magnitudes, of [n, h, w]; see `blend`."""
    return blend(highest(magnitudes, frames), share)


def highest(magnitudes: Floats, frames: Indices) -> Floats:
    """How far each place gets, rare moments apart: float32 [h, w]."""
    return np.quantile(magnitudes[frames], _HIGH_SHARE, axis=0).astype(np.float32)


def blend(high: Floats, share: float | None) -> Floats:
    """A scale of which `share` is the place's own past and the rest its row's; None is of stills."""
    if share is None:
        return smooth_scale(high, aside=False)
    own, row = smooth_scale(high), along_row(high, _ROWS)
    row += np.float32(_ROW_FLOOR * float(row.mean()))
    return np.asarray(np.float32(share) * own + np.float32(1 - share) * row, np.float32)
