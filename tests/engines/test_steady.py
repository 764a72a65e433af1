"""Strange motion counts when it goes on: where a body comes from, it was strange before."""

import numpy as np
import pytest

from engines.contract import Floats
from engines.steady import APART_S, Steady, steady

EMPTY = np.zeros((32, 32), np.float32)


def at(column: int) -> Floats:
    seen = EMPTY.copy()
    seen[10:14, column : column + 3] = 5
    return seen


def test_a_mismatch_of_a_moment_is_not_believed() -> None:
    maps = np.stack([EMPTY, EMPTY, EMPTY, at(8), EMPTY, EMPTY, EMPTY])
    assert np.nanmax(steady([index / 10 for index in range(7)], maps)) == 0


@pytest.mark.parametrize("rate", [5, 10, 25])
def test_a_body_that_moves_on_is_believed_after_a_moment(rate: int) -> None:
    times = [index / rate for index in range(2 * rate)]
    seen = steady(times, np.stack([at(3 + round(6 * time)) for time in times]))
    known = ~np.isnan(seen[:, 0, 0])
    assert times[int(known.argmax())] == pytest.approx(np.ceil(APART_S * rate) / rate)
    assert (seen[known].max(axis=(1, 2)) == 5).all()


def test_what_jumps_across_the_picture_is_not_one_body() -> None:
    seen = steady([0.0, 0.4, 0.8], np.stack([at(2), at(25), at(2)]))
    assert np.nanmax(seen) == 0


def test_an_outage_begins_anew() -> None:
    camera = Steady()
    camera.step(0.0, at(5))
    camera.step(0.4, None)
    assert camera.step(0.8, at(5)) is None


def test_old_maps_do_not_speak_for_now() -> None:
    camera = Steady()
    camera.step(0.0, at(5))
    assert camera.step(5.0, at(5)) is None


def test_after_a_hold_nothing_moved_before() -> None:
    camera = Steady()
    camera.step(0.0, at(5))
    camera.hold(9.0)
    least = camera.step(9.2, at(5))
    assert least is not None
    assert least.max() == 0
