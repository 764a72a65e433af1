"""How much each part of a camera's picture counts, and which parts of it nobody is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.contract import Floats

GRAIN: Final = 256
"""Zones and masks are drawn on GRAIN x GRAIN cells of the picture, whatever its size."""
_MARGIN: Final = 32
"""Cells around a mask that count for nothing: so far what is shown there, an even grey, reaches into its surroundings
through the network's places and the flow."""
_MARGIN_LEARNT: Final = 8
"""The same where the footage of enrolment was behind the same masks: what they do to their surroundings was learnt."""

Cells = NDArray[np.bool_]
Shape = tuple[int, int]
V = TypeVar("V", bound=str)


@dataclass(frozen=True, slots=True, eq=False)
class Hidden:
    """The parts of a picture that are hidden behind privacy masks: it shows one grey there, whatever goes on."""

    cells: Cells
    """bool [GRAIN, GRAIN]: True where hidden."""
    _made: dict[Shape, Cells] = field(default_factory=dict, init=False, repr=False)

    def seen(self, rows: int, columns: int) -> Cells:
        """Of the picture cut into rows x columns, the cells of which nothing is hidden: bool [rows, columns].

        All of them where every cell has something hidden: what there is must do.
        """
        if (known := self._made.get((rows, columns))) is None:
            share = cv2.resize(self.cells.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
            whole = np.asarray(share) == 0
            known = self._made[rows, columns] = whole if whole.any() else np.ones_like(whole)
        return known

    def around(self, learnt: Hidden | None = None) -> Cells:
        """What is hidden, and what the grey there reaches into: bool [GRAIN, GRAIN].

        `learnt` was hidden when the camera was enrolled.
        """
        known = self.alike(learnt)
        side = 2 * (_MARGIN_LEARNT if known else _MARGIN) + 1
        reach = cv2.getStructuringElement(cv2.MORPH_RECT, (side, side))
        return np.asarray(cv2.dilate(self.cells.astype(np.uint8), reach), np.bool_)

    def alike(self, hidden: Hidden | None) -> bool:
        """Whether the same is hidden."""
        return hidden is self or (hidden is not None and np.array_equal(hidden.cells, self.cells))

    def shows(self, hidden: Hidden | None) -> bool:
        """Whether something of this is to be seen when that much is hidden."""
        return bool(self.cells.any() if hidden is None else (self.cells & ~hidden.cells).any())

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays for a profile."""
        return {"hidden.cells": np.packbits(self.cells)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Hidden | None:
        """The inverse of `to_arrays`; None where nothing was hidden. Raises ValueError when they are not of a mask."""
        if "hidden.cells" not in arrays:
            return None
        return cls(np.unpackbits(arrays["hidden.cells"]).reshape(GRAIN, GRAIN).astype(np.bool_))


def seen_blocks(hidden: Hidden | None, across: int) -> Cells | None:
    """Of a picture's across x across blocks those of which nothing is hidden: bool [across * across]; None: all."""
    return None if hidden is None else hidden.seen(across, across).ravel()


def of_seen(blocks: Floats, seen: Cells | None) -> Floats:
    """Of measures of blocks, [..., n], those of blocks that are seen, bool [n]; None: all."""
    return blocks if seen is None else blocks[..., seen]


@dataclass(frozen=True, slots=True, eq=False)
class Zoning:
    """What an operator has said of the places of a picture.

    A place's weight multiplies how far the place is from its own normal, in every view, before a frame's statistic is
    made of its places: at 0.5 it takes twice the distance to count as much, at 0 nothing does.
    """

    weights: Floats
    """float32 [GRAIN, GRAIN]: at least 0, 1 where nothing was said."""
    hidden: Hidden | None = None
    learnt: Hidden | None = None
    """What was hidden when the camera was enrolled."""
    _made: dict[Shape, Floats] = field(default_factory=dict, init=False, repr=False)

    def on(self, rows: int, columns: int) -> Floats:
        """Weights of the cells of a map, float32 [rows, columns]: what reaches into two zones has the mean of both."""
        if (known := self._made.get((rows, columns))) is not None:
            return known
        mean = cv2.resize(self.weights, (columns, rows), interpolation=cv2.INTER_AREA)
        made = np.asarray(mean, np.float32)
        if self.hidden is not None:
            share = cv2.resize(
                self.hidden.around(self.learnt).astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA
            )
            made = np.where(np.asarray(share) > 0, np.float32(0), made)
        self._made[rows, columns] = made
        return made

    def weigh(self, maps: Mapping[V, Floats]) -> dict[V, Floats]:
        """Weigh maps [N, rows, columns] of any resolution; NaN, which says not measured, stays."""
        return {view: values * self.on(*values.shape[1:]) for view, values in maps.items()}
