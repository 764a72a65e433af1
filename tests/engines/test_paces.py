"""A body is measured by its like: a runner by walkers, though cars pass the same places."""

from __future__ import annotations

import numpy as np
import pytest

from engines.contract import Floats
from engines.motion import CELLS
from engines.paces import Paces, fit_paces
from engines.traffic import fit_traffic

RNG = np.random.default_rng(3)
WALKER, CAR = (14, 4), (12, 24)
PAVEMENT, ROAD = 44, 36
"""Rows of feet: walkers' heads are where wheels are."""


def seen(size: tuple[int, int], feet: int, left: int, right_px: float) -> Floats:
    """A frame in which a body goes right (or left) by so many pixels."""
    field = np.zeros((CELLS, CELLS, 2), np.float32)
    field[feet - size[0] : feet, left : left + size[1], 0] = right_px
    return field


def street() -> list[Floats]:
    """Cars go both ways; walkers on the pavement before them only to the right."""
    frames = []
    for _ in range(200):
        left = int(RNG.integers(0, CELLS - 24))
        frames.append(seen(CAR, ROAD, left, float(RNG.choice([-1, 1]) * RNG.uniform(28, 32))))
        frames.append(seen(WALKER, PAVEMENT, left, float(RNG.uniform(4, 6))))
    return frames


FRAMES = np.stack(street()).astype(np.float16)


@pytest.fixture(scope="module")
def paces() -> Paces:
    fitted = fit_paces(FRAMES)
    assert fitted is not None
    return fitted


def test_what_is_usual_is_not_strange(paces: Paces) -> None:
    assert paces.compare_all(FRAMES.astype(np.float32)).max() < 1


@pytest.mark.parametrize(("what", "pixels"), [("a runner", 13), ("against the flow", -5)])
def test_a_walker_is_measured_by_walkers(paces: Paces, what: str, pixels: float) -> None:
    field = seen(WALKER, PAVEMENT, 30, pixels)
    at = ROAD - 4, 32
    assert paces.compare(field)[at] > 1.5, what
    assert fit_traffic(FRAMES).compare(field[None])[0][at] < 1, "by the place alone he would pass for a car"


def test_a_car_on_the_pavement_is_strange(paces: Paces) -> None:
    assert paces.compare(seen(CAR, PAVEMENT + 6, 20, 30)).max() > 1.5


def test_where_nothing_moves_nothing_is_said(paces: Paces) -> None:
    assert not paces.compare(np.zeros((CELLS, CELLS, 2), np.float32)).any()


def test_too_few_bodies_are_no_measure() -> None:
    assert fit_paces(FRAMES[:50]) is None
    assert fit_paces(np.zeros((300, CELLS, CELLS, 2), np.float16)) is None


def test_the_same_footage_gives_the_same_and_a_profile_keeps_it(paces: Paces) -> None:
    again = fit_paces(FRAMES)
    assert again is not None
    kept = Paces.from_arrays(again.to_arrays())
    field = seen(WALKER, PAVEMENT, 30, 9)
    np.testing.assert_array_equal(kept.compare(field), paces.compare(field))
