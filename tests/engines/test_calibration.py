from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engines.calibration import Doubles, Tail, fit_tail


@example(np.array([5.45844814e-39]))
@given(hnp.arrays(np.float64, st.integers(1, 300), elements=st.floats(-1e4, 1e4)))
def test_surprise_never_falls_as_the_statistic_grows(values: Doubles) -> None:
    tail = fit_tail(values)
    at = np.linspace(values.min() - 1, values.max() * 2 + 10, 500).astype(np.float32)
    surprise = tail.surprise(at)
    assert np.isfinite(surprise).all()
    assert (np.diff(surprise) >= -1e-4).all()
    assert (surprise >= 0).all()


def test_surprise_is_the_share_of_normal_frames() -> None:
    values = np.random.default_rng(0).exponential(size=20000)
    tail = fit_tail(values)
    for share in (0.5, 0.1, 0.01, 0.001):
        assert tail.surprise(np.array([-np.log(share)], np.float32))[0] == pytest.approx(-np.log10(share), abs=0.15)


def test_surprise_goes_on_beyond_the_footage() -> None:
    tail = fit_tail(np.random.default_rng(0).normal(size=500))
    low, high = tail.surprise(np.array([20.0, 40.0], np.float32))
    assert high > low > 6


def test_a_constant_statistic_has_a_curve_too() -> None:
    tail = fit_tail(np.ones(100))
    assert np.isfinite(tail.surprise(np.array([0, 1, 2], np.float32))).all()


def test_a_curve_survives_being_stored() -> None:
    tail = fit_tail(np.random.default_rng(0).normal(size=500))
    again = Tail.from_array(tail.to_array())
    at = np.linspace(-3, 9, 50).astype(np.float32)
    np.testing.assert_array_equal(tail.surprise(at), again.surprise(at))


def test_maps_keep_their_order_below_the_footages_lowest_statistic() -> None:
    tail = fit_tail(np.linspace(1, 2, 101))
    surprise = tail.surprise(np.array([-1, 0, 0.25, 0.5, 1], np.float32))
    lowest = -np.log10(101 / 102)
    np.testing.assert_allclose(surprise, np.array([0, 0, 0.25, 0.5, 1]) * lowest, rtol=1e-4)


@example(np.array([5.45844814e-39]), 1e-40)
@given(hnp.arrays(np.float64, st.integers(1, 300), elements=st.floats(-1e4, 1e4)), st.floats(-2e4, 2e4, width=32))
def test_one_number_is_mapped_as_an_array_of_it(values: Doubles, at: float) -> None:
    tail = fit_tail(values)
    for value in (at, *tail.knots[[0, -1]].tolist()):
        whole = tail.surprise(np.array([value], np.float32))[0]
        assert tail.surprise_of(value) == pytest.approx(float(whole), rel=1e-4, abs=1e-5)
