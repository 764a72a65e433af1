from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.polygon import Corner, area_of, drawn, flaw_of

SQUARE = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
CORNERS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=9)


@pytest.mark.parametrize(
    ("corners", "why"),
    [
        (((0, 0), (1, 1)), "from 3 to 100 corners, got 2"),
        (((0.1, 0.1),) * 101, "from 3 to 100 corners, got 101"),
        (((0, 0), (1, 0), (1, math.nan)), "from 0 to 1"),
        (((0, 0), (1, 0), (1, 1.01)), "from 0 to 1"),
        (((0, 0), (1, 1), (1, 0), (0, 1)), "sides 1 and 3 cross"),
        (((0, 0), (0.5, 0.5), (1, 1)), "cross"),
        (((0, 0), (1, 0), (0.5, 0), (0.5, 1)), "sides 1 and 2 cross"),
        (((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.2), (0.2, 0.8)), "cross"),
        (((0.5, 0.5), (0.505, 0.5), (0.505, 0.505)), "far too near"),
    ],
)
def test_what_is_no_polygon_is_told(corners: tuple[Corner, ...], why: str) -> None:
    assert why in (flaw_of(corners) or "")


def test_ordinary_polygons_have_no_flaw() -> None:
    assert flaw_of(SQUARE) is None
    assert flaw_of(SQUARE[::-1]) is None
    assert flaw_of(((0, 0), (1, 0), (1, 1), (0.5, 0.3), (0, 1))) is None
    assert flaw_of(((0, 0), (0.5, 0), (1, 0), (1, 1))) is None, "a corner may lie on a straight line"


def test_a_polygon_is_drawn_where_it_lies_at_any_resolution() -> None:
    for rows, columns in ((256, 256), (1080, 1920), (31, 17)):
        cells = drawn([SQUARE], rows, columns)
        assert cells[rows // 2, columns // 2]
        assert not cells[:, 0].any()
        assert not cells[0].any()
        assert cells.mean() == pytest.approx(0.25, abs=1.2 / min(rows, columns))


def test_what_two_polygons_cover_is_drawn() -> None:
    assert drawn([SQUARE, SQUARE], 64, 64)[32, 32]


@settings(deadline=None, max_examples=60)
@given(CORNERS)
def test_no_cell_whose_middle_is_inside_is_left_out(corners: list[Corner]) -> None:
    if flaw_of(corners) is not None:
        return
    assert 0 < area_of(corners) <= 1
    cells = drawn([corners], 20, 28, wider=1)
    inside = np.array([[_inside(((x + 0.5) / 28, (y + 0.5) / 20), corners) for x in range(28)] for y in range(20)])
    assert not (inside & ~cells).any()


def _inside(point: Corner, corners: list[Corner]) -> bool:
    """By how often a ray to the right crosses the line, and not near it."""
    x, y = point
    count = 0
    for (a, b), (c, d) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (b > y) != (d > y) and x < a + (y - b) / (d - b) * (c - a):
            count += 1
    return count % 2 == 1
