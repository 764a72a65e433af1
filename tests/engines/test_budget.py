from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2  # type: ignore[import-untyped]  # it ships no stubs

from engines.budget import Budget, _most_expected, fit_threshold, fit_threshold_stills, pictures_for, usual_share
from engines.calibration import Doubles, fit_tail

HOURLY = 24.0


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


@given(st.integers(1, 5000))
def test_few_pictures_aim_at_no_share_that_they_do_not_show(count: int) -> None:
    share = usual_share(count)
    assert 0.01 <= share <= 0.05
    assert usual_share(count + 1) <= share
    if count >= 60:
        assert share * count >= 3 - 1e-9, "three of them at least are beyond the threshold"
        assert count >= pictures_for(share)


def test_the_share_by_hand() -> None:
    assert [usual_share(count) for count in (20, 60, 100, 300, 3000)] == [0.05, 0.05, 0.03, 0.01, 0.01]
    assert [pictures_for(share) for share in (0.01, 0.05, 0.0005)] == [300, 60, 6000]


def stretch_of(rng: np.random.Generator, minutes: float, memory: float = 0.9) -> tuple[Doubles, Doubles]:
    series = surprise_series(rng, round(minutes * 300), memory)
    return np.arange(len(series)) / 5, series


def test_an_hour_of_footage_is_enough_for_a_few_alarms_an_hour() -> None:
    rng = np.random.default_rng(3)
    rates = []
    for _ in range(4):
        times, series = stretch_of(rng, 180, 0.8)
        cut = len(times) // 3
        budget = fit_threshold([(times[:cut], series[:cut])], per_day=10 * HOURLY, apart_s=2.0)
        rates.append(events(times[cut:], series[cut:], budget.threshold) / 2)
    assert 5 < np.mean(rates) < 15


def test_the_true_rate_is_in_the_interval_that_is_told() -> None:
    rng, inside = np.random.default_rng(4), []
    for _ in range(20):
        times, series = stretch_of(rng, 70)
        budget = fit_threshold([(times[:3000], series[:3000])], per_day=6 * HOURLY, apart_s=2.0)
        counted = events(times[3000:], series[3000:], budget.threshold)
        low, high = (rate / HOURLY for rate in budget.interval)
        # The count of one hour is uncertain itself.
        inside.append(_most_expected(counted) >= low and counted <= _most_expected(round(high)))
    assert np.mean(inside) >= 0.95


def test_longer_footage_leaves_less_open() -> None:
    rng = np.random.default_rng(0)
    short, long = (fit_threshold([stretch_of(rng, minutes)], per_day=HOURLY, apart_s=2.0) for minutes in (3, 120))
    assert long.ceiling < short.ceiling / 30
    assert np.ptp(np.log(long.likely)) < np.ptp(np.log(short.likely))
    assert short.likely[0] < HOURLY < short.likely[1]


def test_what_footage_leaves_open_has_a_bound_by_its_length_alone() -> None:
    times = np.arange(0, 600, 0.2)
    quiet = np.random.default_rng(0).uniform(0, 1, len(times))
    budget = fit_threshold([(times, quiet)], per_day=1, apart_s=2.0)
    assert budget.threshold > 1
    assert budget.ceiling == pytest.approx(3.689 * 144, rel=0.01)
    assert budget.interval[1] == budget.ceiling


@pytest.mark.parametrize("count", [0, 1, 2, 7, 60, 400])
def test_the_bound_is_garwoods(count: int) -> None:
    assert _most_expected(count) == pytest.approx(chi2.ppf(0.975, 2 * count + 2) / 2, rel=1e-6)


def test_footage_of_uneven_days_is_told_less_sure_than_even_footage() -> None:
    """The same heights, once spread evenly and once with all of the high ones in one part."""
    rng = np.random.default_rng(0)
    heights = rng.exponential(0.434, 160)

    def fitted(order: Doubles) -> Budget:
        series = np.full(160 * 20, 0.1)
        series[::20] = 1 + order
        return fit_threshold([(np.arange(len(series)) / 5, series)], per_day=1, apart_s=2.0)

    even, uneven = fitted(heights), fitted(np.sort(heights))
    assert even.threshold == pytest.approx(uneven.threshold)
    assert np.ptp(np.log(uneven.likely)) > np.ptp(np.log(even.likely))


@given(st.integers(0, 10_000), st.floats(0.05, 2000), st.integers(2, 3000))
def test_any_footage_gives_a_finite_answer(seed: int, per_day: float, frames: int) -> None:
    rng = np.random.default_rng(seed)
    scores = np.round(rng.exponential(rng.choice([0.0, 0.4, 5.0]), frames), rng.integers(0, 5))
    budget = fit_threshold([(np.arange(frames) / 5, scores)], per_day=per_day, apart_s=2.0)
    assert np.isfinite([budget.threshold, *budget.likely, budget.ceiling]).all()
    assert budget.likely[0] <= budget.likely[1]
    assert budget.events >= 1


def test_stills_tell_a_share() -> None:
    scores = np.random.default_rng(0).exponential(0.434, 60)
    budget = fit_threshold_stills(scores, share=0.01)
    assert budget.likely[0] < 0.01 < budget.likely[1] < 1
    assert budget.ceiling < 8 / 60


def test_peaks_are_told_apart_at_their_own_level() -> None:
    """Two surprises in one busy spell, three seconds apart, are two alarms: the promise counts them as two."""
    rng = np.random.default_rng(0)
    series = np.full(12_000, 0.1)
    for spell in range(0, 12_000, 100):
        series[spell : spell + 30] = 1.0
        series[spell + np.array([3, 23])] = 1.5 + rng.exponential(0.434, 2)
    times = np.arange(len(series)) / 5
    budget = fit_threshold([(times, series)], per_day=24 * 30, apart_s=2.0)
    assert 12 <= events(times, series, budget.threshold) <= 30  # twenty in forty minutes
