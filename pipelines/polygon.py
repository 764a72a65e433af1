"""Polygons on a picture, in shares of its width and height, so that they hold at any resolution."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.zoning import Cells

Corner: TypeAlias = tuple[float, float]
"""x from the left and y from the top, each 0..1."""
Corners: TypeAlias = Sequence[Corner]

MOST_CORNERS: Final = 100
_LEAST_AREA: Final = 1e-4
"""Share of the picture: a tenth of a place of the network's, which nothing could be told of."""
_SHIFT: Final = 6
"""Binary digits of a pixel's part, in OpenCV's fixed point."""
_TINY: Final = 1e-12


def flaw_of(corners: Corners) -> str | None:
    """What is wrong with a polygon, as ``expected ..., got ...``; None if it is one."""
    if not all(math.isfinite(each) and 0 <= each <= 1 for corner in corners for each in corner):
        return "expected corners [x, y] whose numbers are from 0 to 1, got one outside"
    if not 3 <= len(corners) <= MOST_CORNERS:
        return f"expected from 3 to {MOST_CORNERS} corners, got {len(corners)}"
    if (pair := _crossing(corners)) is not None:
        return f"expected a line that goes round without crossing itself, got one whose sides {pair} cross"
    if (area := area_of(corners)) < _LEAST_AREA:
        return f"expected at least {_LEAST_AREA:g} of the picture, got {area:.2g}: corners on one line, or far too near"
    return None


def area_of(corners: Corners) -> float:
    """Share of the picture that a polygon covers (the shoelace formula)."""
    return abs(sum(x * v - u * y for (x, y), (u, v) in _sides(corners))) / 2


def drawn(polygons: Iterable[Corners], rows: int, columns: int, *, wider: int = 0) -> Cells:
    """Which cells of rows x columns lie in a polygon or are touched by its line: bool [rows, columns].

    `wider` adds so many cells on every side.
    """
    canvas = np.zeros((rows, columns), np.uint8)
    for corners in polygons:  # one at a time: together, what two of them cover would be left out
        cv2.fillPoly(canvas, [on_pixels(corners, rows, columns)], 1, shift=_SHIFT)
    if wider:
        canvas = np.asarray(cv2.dilate(canvas, np.ones((2 * wider + 1, 2 * wider + 1), np.uint8)), np.uint8)
    return np.asarray(canvas, np.bool_)


def outline(canvas: NDArray[np.uint8], corners: Corners, colour: tuple[int, int, int], thick: int) -> None:
    """Draw a polygon's line on a picture [H, W, 3], in place."""
    line = on_pixels(corners, *canvas.shape[:2])
    cv2.polylines(canvas, [line], isClosed=True, color=colour, thickness=thick, lineType=cv2.LINE_AA, shift=_SHIFT)


def on_pixels(corners: Corners, rows: int, columns: int) -> NDArray[np.int32]:
    """Corners as OpenCV draws them, int32 [n, 2] in fixed point: a pixel's middle is at a whole number."""
    ends = np.array(corners, np.float64) * (columns, rows) - 0.5
    return np.rint(ends * (1 << _SHIFT)).astype(np.int32)


def _sides(corners: Corners) -> list[tuple[Corner, Corner]]:
    return list(pairwise([*corners, corners[0]]))


def _crossing(corners: Corners) -> str | None:
    """The first two sides, counted from 1, that meet elsewhere than where one follows the other."""
    sides = _sides(corners)
    for one, (a, b) in enumerate(sides):
        for other in range(one + 1, len(sides)):
            c, d = sides[other]
            if other == one + 1:
                meet = _turns_back(a, b, d)
            elif one == 0 and other == len(sides) - 1:
                meet = _turns_back(c, d, b)
            else:
                meet = _meet(a, b, c, d)
            if meet:
                return f"{one + 1} and {other + 1}"
    return None


def _turn(a: Corner, b: Corner, c: Corner) -> float:
    """More than 0 if a, b, c go clockwise on the picture; 0 if they are on one line."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _turns_back(a: Corner, b: Corner, c: Corner) -> bool:
    """Whether the way a, b, c goes back over itself."""
    ahead = (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1])
    return abs(_turn(a, b, c)) < _TINY and ahead <= 0


def _meet(a: Corner, b: Corner, c: Corner, d: Corner) -> bool:
    """Whether two sides have a point in common."""
    turns = _turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)
    if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
        return True
    ends = ((a, b, c), (a, b, d), (c, d, a), (c, d, b))
    return any(abs(turn) < _TINY and _between(*end) for turn, end in zip(turns, ends, strict=True))


def _between(a: Corner, b: Corner, c: Corner) -> bool:
    """Whether c, which is on the line through a and b, lies between them."""
    return all(min(p, q) - _TINY <= r <= max(p, q) + _TINY for p, q, r in zip(a, b, c, strict=True))
