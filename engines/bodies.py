"""Bodies: the parts of a frame's motion that move as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.contract import Floats
from engines.motion import CELLS

_MOVES: Final = 1.0
"""Pixels of displacement over the interval from which a cell counts as moving."""
_UNLIKE: Final = 0.35
"""Neighbours whose displacements differ by more than this share of the longer are of two bodies: one passes another."""
_SLACK: Final = 0.5
"""So many pixels more: what is slow is measured less exactly."""
_SMALLEST: Final = 4
"""Cells; what is smaller is noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Bodies:
    """What moves in one frame."""

    number: NDArray[np.intp]
    """[CELLS, CELLS]: the body at each cell, from 1 on; 0 for none."""
    places: Floats
    """float32 [K, 4]: the row below its feet, its middle column, its height and its width, in cells."""
    moved: Floats
    """float32 [K, 2]: mean displacement of its cells. A body travels while its limbs swing."""

    def paint(self, values: Floats) -> Floats:
        """A map, float32 [CELLS, CELLS], with each body's value at its cells, 0 elsewhere."""
        return np.concatenate([np.zeros(1, np.float32), values])[self.number]


def find_bodies(field: Floats) -> Bodies:
    """Find the bodies in displacements, float32 [CELLS, CELLS, 2]: neighbouring cells that move alike."""
    linked = _links(field)
    if not linked.any():
        return Bodies(np.zeros((CELLS, CELLS), np.intp), np.zeros((0, 4), np.float32), np.zeros((0, 2), np.float32))
    count, found = cv2.connectedComponents(linked.view(np.uint8), connectivity=4)
    labels = np.asarray(found, np.int32)
    cells = np.ascontiguousarray(labels[::2, ::2])
    at = np.flatnonzero(linked[::2, ::2])
    of = cells.ravel()[at]
    sizes = np.bincount(of, minlength=count)
    kept = np.flatnonzero(sizes[1:] >= _SMALLEST) + 1
    number = np.zeros(count, np.intp)
    number[kept] = np.arange(1, len(kept) + 1)
    here = field.reshape(-1, 2)[at]
    moved = [np.bincount(of, here[:, axis], count)[kept] / sizes[kept] for axis in (0, 1)]
    top, left, bottom, right = _boxes(at[np.argsort(of, kind="stable")], sizes)[:, kept - 1]
    places = [bottom, _middles(linked, labels, count)[kept], bottom - top, right - left]
    return Bodies(
        np.take(number, cells), np.stack(places, axis=1).astype(np.float32), np.stack(moved, 1).astype(np.float32)
    )


def _boxes(cells: NDArray[np.intp], sizes: NDArray[np.intp]) -> NDArray[np.intp]:
    """First row and column, and those after the last, of bodies: [4, K].

    `cells` are of one body after the other, each in the order of rows; `sizes` says how many are of each, the first
    of nothing, the others at least 1. OpenCV's statistics take twice as long, since they are of the ground too.
    """
    rows, columns = np.divmod(cells, CELLS)
    ends = np.cumsum(sizes[1:])
    begins = ends - sizes[1:]
    left, right = (each.reduceat(columns, begins) for each in (np.minimum, np.maximum))
    return np.stack([rows[begins], left, rows[ends - 1] + 1, right + 1])


def _middles(linked: NDArray[np.bool_], labels: NDArray[np.int32], count: int) -> NDArray[np.float64]:
    """Mean column, in cells, of each of `count` labels of what is linked; 0 of the ground."""
    at = np.flatnonzero(linked)
    of = labels.ravel()[at]
    return np.bincount(of, at % labels.shape[1], count) / np.maximum(np.bincount(of, minlength=count), 1) / 2


def _links(field: Floats) -> NDArray[np.bool_]:
    """A picture of [2 * CELLS - 1] a side: moving cells at even rows and columns, and what joins two between them."""
    right, down = np.ascontiguousarray(field[..., 0]), np.ascontiguousarray(field[..., 1])
    squares = right * right + down * down
    moves = squares > _MOVES**2
    linked = np.zeros((2 * CELLS - 1, 2 * CELLS - 1), np.bool_)
    linked[::2, ::2] = moves
    if not moves.any():
        return linked
    pace = np.sqrt(squares)
    for one, other, between in (
        (np.s_[:, 1:], np.s_[:, :-1], np.s_[::2, 1::2]),
        (np.s_[1:], np.s_[:-1], np.s_[1::2, ::2]),
    ):
        across, along = right[one] - right[other], down[one] - down[other]
        most = _UNLIKE * np.maximum(pace[one], pace[other]) + _SLACK
        alike = across * across + along * along <= most * most
        linked[between] = alike & moves[one] & moves[other]
    return linked
