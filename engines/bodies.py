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
    count, labels, boxes, centres = cv2.connectedComponentsWithStats(linked, connectivity=4)
    labels = np.ascontiguousarray(labels[::2, ::2])
    cells = np.bincount(labels.ravel(), minlength=count)
    kept = np.flatnonzero(cells[1:] >= _SMALLEST) + 1
    number = np.zeros(count, np.intp)
    number[kept] = np.arange(1, len(kept) + 1)
    moved = [np.bincount(labels.ravel(), field[..., axis].ravel(), count)[kept] / cells[kept] for axis in (0, 1)]
    # Of the linked picture every second row and column is of cells, so that a box begins and ends with one.
    height, width = (boxes[kept, side] // 2 + 1 for side in (cv2.CC_STAT_HEIGHT, cv2.CC_STAT_WIDTH))
    places = [boxes[kept, cv2.CC_STAT_TOP] // 2 + height, centres[kept, 0] / 2, height, width]
    return Bodies(number[labels], np.stack(places, axis=1).astype(np.float32), np.stack(moved, 1).astype(np.float32))


def _links(field: Floats) -> NDArray[np.uint8]:
    """A picture of [2 * CELLS - 1] a side: moving cells at even rows and columns, and what joins two between them."""
    right, down = np.ascontiguousarray(field[..., 0]), np.ascontiguousarray(field[..., 1])
    squares = right * right + down * down
    moves = squares > _MOVES**2
    linked = np.zeros((2 * CELLS - 1, 2 * CELLS - 1), np.uint8)
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
