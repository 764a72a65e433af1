"""One moment's leap is not believed, what goes on is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.sudden import Sudden, limit_sudden

STEP_S = 0.2


def times(count: int, step_s: float = STEP_S) -> list[float]:
    return [step_s * index for index in range(count)]


def test_a_leap_of_one_frame_counts_for_little_more_than_its_neighbours() -> None:
    values = np.array([0.5, 0.6, 4.5, 0.6, 0.7], np.float32)
    assert limit_sudden(times(5), values).max() == pytest.approx(0.9)


def test_what_goes_on_is_believed_a_frame_later() -> None:
    values = np.array([0.5, 0.5, 3, 3, 3], np.float32)
    np.testing.assert_allclose(limit_sudden(times(5), values), [0.5, 0.5, 0.75, 3, 3])


def test_where_frames_are_far_apart_nothing_is_limited() -> None:
    values = np.array([0.5, 4.5, 0.5], np.float32)
    np.testing.assert_array_equal(limit_sudden(times(3, step_s=0.5), values), values)


def test_what_was_not_measured_limits_nothing() -> None:
    camera = Sudden()
    assert math.isnan(camera.step(0.0, math.nan))
    assert camera.step(0.2, 5.0) == 5


def test_after_an_outage_it_begins_anew() -> None:
    camera = Sudden()
    camera.step(0.0, 0.5)
    camera.forget()
    assert camera.step(0.1, 5.0) == 5


def test_a_clock_that_was_set_back_limits_nothing() -> None:
    camera = Sudden()
    camera.step(100.0, 0.5)
    assert camera.step(3.0, 5.0) == 5


@given(st.lists(st.floats(0, 100, width=32), min_size=1, max_size=30), st.floats(0.02, 1))
def test_it_never_adds_and_leaves_what_falls(values: list[float], step_s: float) -> None:
    limited = limit_sudden(times(len(values), step_s), np.array(values, np.float32))
    assert (limited <= np.array(values, np.float32)).all()
    falls = np.diff(values, prepend=values[0]) <= 0
    np.testing.assert_array_equal(limited[falls], np.array(values, np.float32)[falls])
