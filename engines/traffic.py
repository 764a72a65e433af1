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

_SHARE: Final = 0.001
"""Share of normal frames that may move faster at a place."""
_ROW_SHARE: Final = 0.1
_REACH: Final = (5, 9)
"""Height and width, in cells, of what is near."""
_SIGMA: Final = 3.0
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
        return np.asarray(np.linalg.norm(directions(fields) / self.scale, axis=-1), np.float32)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays for a profile."""
        return {"traffic.scale": self.scale}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Traffic:
        """The inverse of `to_arrays`."""
        return cls(arrays["traffic.scale"].astype(np.float32))


def fit_traffic(fields: Halves) -> Traffic:
    """Fit to the motion of normal frames, float16 [n, CELLS, CELLS, 2] with n >= 1.

    The scale is the mean of the picture row's and the place's own. The row's alone is the best measure of speed,
    since little footage shows few bodies a place; the place's own makes going where, or the way, nobody goes count.
    """
    fastest = _highest(fields)
    scale = (_along_row(fastest) + _around(fastest)) * np.float32(0.5) + np.float32(_FLOOR)
    return Traffic(np.asarray(scale, np.float32))


def _highest(fields: Halves) -> Floats:
    """High quantile of each place and direction, a row of places at a time for the sake of memory."""
    at = len(fields) - 1 - int(_SHARE * len(fields))
    rows = [
        np.partition(directions(fields[:, row].astype(np.float32)), at, axis=0)[at] for row in range(fields.shape[1])
    ]
    return np.stack(rows)


def _around(fastest: Floats) -> Floats:
    """The fastest near the place, which reaches further to the sides than up and down, smoothed."""
    widened = cv2.dilate(fastest, np.ones(_REACH, np.uint8))
    return np.asarray(cv2.GaussianBlur(widened, (0, 0), _SIGMA), np.float32)


def _along_row(fastest: Floats) -> Floats:
    """One scale a picture row: in perspective, what is as far away is as fast."""
    row = np.quantile(fastest, 1 - _ROW_SHARE, axis=1, keepdims=True).astype(np.float32)
    return np.asarray(cv2.blur(np.ascontiguousarray(np.broadcast_to(row, fastest.shape)), (1, 5)), np.float32)
