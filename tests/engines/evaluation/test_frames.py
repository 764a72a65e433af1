"""Metrics over whole frames."""

from __future__ import annotations

import numpy as np
import pytest

from engines.evaluation import frames

TRUTH = np.array([False, False, True, True])
SCORES = np.array([1.0, 3.0, 2.0, 4.0])


def test_hand_worked_areas() -> None:
    # Of four pairs one is the wrong way round.
    assert frames.auroc(TRUTH, SCORES) == pytest.approx(0.75)
    # Precision 1 at recall 1/2, then 2/3 at recall 1.
    assert frames.average_precision(TRUTH, SCORES) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_at_the_chosen_threshold() -> None:
    precision, recall, f1 = frames.at_threshold(TRUTH, SCORES >= 2.5) or (0, 0, 0)
    assert (precision, recall, f1) == (0.5, 0.5, 0.5)


def test_the_best_threshold() -> None:
    # From 2 on: two of three are right and none is missed.
    assert frames.best_f1(TRUTH, SCORES) == pytest.approx(2 * (2 / 3) / (5 / 3))


def test_a_signal_that_is_silent_at_first_counts_as_lowest() -> None:
    assert frames.auroc(TRUTH, np.array([np.nan, 0.0, 1.0, 2.0])) == pytest.approx(1.0)


def test_nothing_is_said_without_both_kinds() -> None:
    assert frames.auroc(np.ones(3, bool), np.arange(3.0)) is None
    assert frames.best_f1(np.zeros(3, bool), np.arange(3.0)) is None
    assert frames.at_threshold(np.zeros(3, bool), np.zeros(3, bool)) is None


def test_curves_begin_at_nought() -> None:
    assert frames.roc(TRUTH, SCORES).x[0] == 0
    assert frames.precision_recall(TRUTH, SCORES).x.tolist() == sorted(frames.precision_recall(TRUTH, SCORES).x)
