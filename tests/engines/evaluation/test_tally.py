"""Ranking metrics from counts agree with those from all the scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score  # type: ignore[import-untyped]  # it ships no stubs

from engines.evaluation.tally import BINS, Curve, auroc, average_precision, bins_of, count, rates


@given(st.lists(st.floats(-6e4, 6e4, width=16), min_size=2, max_size=50))
def test_bins_keep_the_order_of_scores(values: list[float]) -> None:
    scores = np.sort(np.array(values, np.float32))
    assert (np.diff(bins_of(scores).astype(int)) >= 0).all()


def test_bins_hold_whatever_a_map_may_hold() -> None:
    bins = bins_of(np.array([np.nan, -np.inf, -1.0, -0.0, 0.0, 1.0, 1e9, np.inf], np.float32)).astype(int)
    assert (np.diff(bins) >= 0).all()
    assert bins[0] == bins[1]
    assert bins[3] == bins[4]
    assert bins[-1] < BINS


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 2))
def test_areas_are_those_of_all_scores_to_a_thousandth(seed: int, apart: float) -> None:
    random = np.random.default_rng(seed)
    normal, abnormal = random.gamma(2, 1, 20_000), random.gamma(2, 1, 500) + apart
    truth, scores = np.repeat([0, 1], [20_000, 500]), np.concatenate((normal, abnormal))
    first, second = count(abnormal), count(normal)
    assert auroc(first, second) == pytest.approx(roc_auc_score(truth, scores), abs=1e-3)
    assert average_precision(first, second) == pytest.approx(average_precision_score(truth, scores), abs=2e-3)


def test_one_pair_the_wrong_way_round_in_four_gives_three_quarters() -> None:
    assert auroc(count(np.array([2.0, 4.0])), count(np.array([1.0, 3.0]))) == pytest.approx(0.75)


def test_equal_scores_count_half() -> None:
    assert auroc(count(np.array([1.0])), count(np.array([1.0]))) == pytest.approx(0.5)


def test_nothing_is_said_without_both_kinds() -> None:
    assert auroc(np.zeros(BINS), count(np.array([1.0]))) is None
    assert average_precision(count(np.array([1.0])), np.zeros(BINS)) is None


def test_area_up_to_a_limit_is_a_share_of_the_most_there_can_be() -> None:
    ramp = Curve(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    assert ramp.area(1.0) == pytest.approx(0.5)
    assert ramp.area(0.5) == pytest.approx(0.25)


def test_a_curve_stays_level_beyond_its_last_point() -> None:
    assert Curve(np.array([0.0, 0.0, 0.5]), np.array([0.0, 0.6, 0.8])).area(1.0) == pytest.approx(0.35 + 0.4)


def test_rates_step_down_the_thresholds() -> None:
    curve = rates(count(np.array([1.0, 3.0])), count(np.array([2.0, 4.0])), 2)
    assert curve.x.tolist() == [0.0, 0.0, 0.5, 0.5, 1.0]
    assert curve.y.tolist() == [0.0, 0.5, 0.5, 1.0, 1.0]
