"""Bodies are what moves as one, wherever it touches others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.bodies import find_bodies
from engines.contract import Floats
from engines.motion import CELLS

STILL = np.zeros((CELLS, CELLS, 2), np.float32)


def with_body(field: Floats, top: int, left: int, size: tuple[int, int], moved: tuple[float, float]) -> Floats:
    changed = field.copy()
    changed[top : top + size[0], left : left + size[1]] = moved
    return changed


def test_a_body_is_where_it_stands_as_large_as_it_is_and_as_fast_as_it_goes() -> None:
    bodies = find_bodies(with_body(STILL, 10, 20, (12, 5), (6, -2)))
    np.testing.assert_allclose(bodies.places, [[22, 22, 12, 5]])
    np.testing.assert_allclose(bodies.moved, [[6, -2]])
    assert (bodies.number > 0).sum() == 60


def test_limbs_that_swing_are_of_the_body() -> None:
    field = with_body(STILL, 10, 20, (12, 4), (6, 0))
    field[18:22, 20:22, 0] = 4
    field[18:22, 22:24, 0] = 8
    bodies = find_bodies(field)
    assert len(bodies.moved) == 1
    assert bodies.moved[0, 0] == pytest.approx(6)


@pytest.mark.parametrize("walker", [(5, 0), (-5, 0)])
def test_who_walks_before_a_car_is_not_of_the_car(walker: tuple[float, float]) -> None:
    field = with_body(with_body(STILL, 10, 10, (12, 30), (30, 0)), 14, 20, (16, 4), walker)
    bodies = find_bodies(field)
    assert sorted(bodies.moved[:, 0].tolist()) == sorted([30, walker[0]])
    assert len({int(bodies.number[16, 12]), int(bodies.number[16, 22])}) == 2


def test_specks_and_noise_are_nothing() -> None:
    noise = np.random.default_rng(0).normal(0, 0.2, STILL.shape).astype(np.float32)
    bodies = find_bodies(with_body(noise, 5, 5, (1, 3), (9, 0)))
    assert bodies.moved.shape == (0, 2)
    assert not bodies.number.any()
    assert not find_bodies(STILL).number.any()


@given(
    boxes=st.lists(
        st.tuples(
            st.integers(0, CELLS - 1), st.integers(0, CELLS - 1), st.integers(1, 20), st.integers(1, 20),
            st.floats(-40, 40, width=32), st.floats(-40, 40, width=32),
        ),
        max_size=6,
    )
)  # fmt: skip
def test_whatever_moves_each_body_is_within_its_box_and_painted_with_its_value(
    boxes: list[tuple[int, int, int, int, float, float]],
) -> None:
    field = STILL
    for top, left, height, width, right, down in boxes:
        field = with_body(field, top, left, (height, width), (right, down))
    bodies = find_bodies(field)
    painted = bodies.paint(np.arange(1, len(bodies.moved) + 1, dtype=np.float32))
    np.testing.assert_array_equal(painted, bodies.number)
    for index, (feet, middle, height, width) in enumerate(bodies.places.tolist(), start=1):
        rows, columns = np.nonzero(bodies.number == index)
        assert (rows.max() + 1, np.ptp(rows) + 1, np.ptp(columns) + 1) == (feet, height, width)
        assert columns.min() <= middle <= columns.max()
        np.testing.assert_allclose(bodies.moved[index - 1], field[rows, columns].mean(0), atol=1e-3)
