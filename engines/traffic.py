"""How things normally move through each place: how fast, and which way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.contract import Floats
from engines.motion import directions
from engines.scales import along_row

_SHARE: Final = 0.001
"""Share of normal frames that may move faster at a place."""
_REACH: Final = (5, 9)
"""Height and width, in cells, of what is near."""
_SIGMA: Final = 3.0
_ROWS: Final = 5
"""Rows that are about as far away."""
_FLOOR: Final = 0.3
"""Pixels of displacement over the interval that sensor noise alone can make."""

Halves = NDArray[np.float16]


@dataclass(frozen=True, slots=True, eq=False)
class Traffic:
    """The highest normal displacement at each place, in each of four directions."""

    scale: Floats
    """float32 [CELLS, CELLS, 4], in the order of `motion.directions`."""

    def compare(self, fields: Floats) -> Floats:
        """Compare displacements [N, CELLS, CELLS, 2]: float32 [N, CELLS, CELLS], 1 where as fast as ever seen."""
        # Of two opposite directions one is nought: each axis is divided by the scale of the one that it shows.
        ahead = np.where(fields > 0, self.scale[..., 0::2], self.scale[..., 1::2])
        np.divide(fields, ahead, out=ahead)
        ahead *= ahead  # for two numbers a place, a sum of products takes three times as long
        return np.asarray(np.sqrt(ahead[..., 0] + ahead[..., 1]), np.float32)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays for a profile."""
        return {"traffic.scale": self.scale}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Traffic:
        """The inverse of `to_arrays`."""
        return cls(arrays["traffic.scale"].astype(np.float32))


def fit_traffic(fields: Halves, share: float = 0.5) -> Traffic:
    """Fit to the motion of normal frames, float16 [n, CELLS, CELLS, 2] with n >= 1.

    The scale is `share` of the place's own and the rest of the picture row's: see `scales.choose_share`. The row's is
    the best measure of speed, since little footage shows few bodies a place; the place's own makes going where, or the
    way, nobody goes count.
    """
    return Traffic(blend_traffic(fastest(fields), share))


def blend_traffic(high: Floats, share: float) -> Floats:
    """The scale from what `fastest` found: float32 [CELLS, CELLS, 4]."""
    own, row = np.float32(share) * _around(high), np.float32(1 - share) * along_row(high, _ROWS)
    return np.asarray(own + row + np.float32(_FLOOR), np.float32)


def fastest(fields: Halves) -> Floats:
    """High quantile of each place and direction, a row of places at a time for the sake of memory."""
    at = len(fields) - 1 - int(_SHARE * len(fields))
    rows = [
        np.partition(directions(fields[:, row].astype(np.float32)), at, axis=0)[at] for row in range(fields.shape[1])
    ]
    return np.stack(rows)


def usual_pace(fields: Halves) -> Floats:
    """Mean displacement of each place and direction, float32 [CELLS, CELLS, 4]: where things happen, and which way."""
    total = sum(directions(field.astype(np.float32)) for field in fields)
    return np.asarray(total / np.float32(len(fields)), np.float32)


def _around(high: Floats) -> Floats:
    """The fastest near the place, which reaches further to the sides than up and down, smoothed."""
    widened = cv2.dilate(high, np.ones(_REACH, np.uint8))
    return np.asarray(cv2.GaussianBlur(widened, (0, 0), _SIGMA), np.float32)
