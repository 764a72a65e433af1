from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engines.calibration import Doubles, Tail, fit_tail, fit_threshold, fit_threshold_stills

DAY_S = 86400.0


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


def surprise_series(rng: np.random.Generator, frames: int, memory: float) -> Doubles:
    """A Gaussian autoregression turned into surprise, 5 frames a second."""
    noise = rng.normal(size=frames) * np.sqrt(1 - memory**2)
    values = np.empty(frames)
    values[0] = rng.normal()
    for index in range(1, frames):
        values[index] = memory * values[index - 1] + noise[index]
    return np.asarray(fit_tail(rng.normal(size=20000)).surprise(values.astype(np.float32)), np.float64)


def events(times: Doubles, scores: Doubles, threshold: float) -> int:
    above = times[scores >= threshold]
    return int((np.diff(above, prepend=-np.inf) > 2.0).sum())


@pytest.mark.parametrize("memory", [0.0, 0.8])
def test_the_budget_is_held_on_footage_never_seen(memory: float) -> None:
    rng = np.random.default_rng(5)
    per_day, hour = 24.0 * 20, 5 * 3600
    seen = []
    for _ in range(8):
        series = surprise_series(rng, hour // 4 + hour * 2, memory)
        times = np.arange(len(series)) / 5
        cut = hour // 4
        threshold = fit_threshold([(times[:cut], series[:cut])], per_day=per_day, apart_s=2.0).threshold
        seen.append(events(times[cut:], series[cut:], threshold) / 2)
    # 20 an hour are budgeted; a margin on the safe side is meant, going over by much is not.
    assert 1 < np.mean(seen) < 30


def test_few_peaks_lean_on_what_surprise_means_and_say_so() -> None:
    rng = np.random.default_rng(0)
    heights = rng.exponential(0.5, 400)
    times = np.arange(4000, dtype=np.float64) * 2.5
    series = np.full(4000, 0.1)
    series[::10] = 1 + heights
    many = fit_threshold([(times, series)], per_day=1, apart_s=2.0)
    few = [fit_threshold([(times[a : a + 60], series[a : a + 60])], per_day=1, apart_s=2.0) for a in range(0, 3900, 60)]
    assert few[0].events < many.events
    assert few[0].extrapolation > 100 > many.extrapolation
    assert np.median([each.threshold for each in few]) > 0.7 * many.threshold


def test_a_smaller_budget_asks_for_a_higher_threshold() -> None:
    series = surprise_series(np.random.default_rng(0), 3000, 0.8)
    stretch = [(np.arange(3000) / 5, series)]
    strict, lax = (fit_threshold(stretch, per_day=rate, apart_s=2.0).threshold for rate in (0.1, 100))
    assert strict > lax


def test_stills_are_calibrated_a_picture() -> None:
    rng = np.random.default_rng(0)
    curve = fit_tail(rng.normal(size=5000))
    scores = curve.surprise(rng.normal(size=200).astype(np.float32)).astype(float)
    budget = fit_threshold_stills(scores, share=0.01)
    unseen = curve.surprise(rng.normal(size=20000).astype(np.float32))
    assert 0.001 < (unseen >= budget.threshold).mean() < 0.02
