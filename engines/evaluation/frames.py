"""Metrics over whole frames."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (  # type: ignore[import-untyped]  # it ships no stubs
    average_precision_score,
    f1_score,
    precision_recall_curve,
    precision_score,
    recall_score,
    roc_auc_score,
    roc_curve,
)

from engines.evaluation.tally import Curve

Truths: TypeAlias = NDArray[np.bool_]
Values: TypeAlias = NDArray[np.float64]


def known(scores: Values) -> Values:
    """A signal that has nothing to say yet (NaN) counts as the lowest of all."""
    finite = np.isfinite(scores)
    lowest = float(scores[finite].min()) if finite.any() else 0.0
    return np.where(finite, scores, lowest - 1.0)


def both(truth: Truths) -> bool:
    """Whether there are frames of both kinds."""
    return bool(truth.any() and not truth.all())


def auroc(truth: Truths, scores: Values) -> float | None:
    """Area under the ROC curve over frames; None unless there are frames of both kinds."""
    return float(roc_auc_score(truth, known(scores))) if both(truth) else None


def average_precision(truth: Truths, scores: Values) -> float | None:
    """Average precision over frames; None unless there are frames of both kinds."""
    return float(average_precision_score(truth, known(scores))) if both(truth) else None


def roc(truth: Truths, scores: Values) -> Curve:
    """False-positive rate against true-positive rate."""
    x, y, _ = roc_curve(truth, known(scores))
    return Curve(np.asarray(x, float), np.asarray(y, float))


def precision_recall(truth: Truths, scores: Values) -> Curve:
    """Recall against precision, from recall 0 on."""
    precision, recall, _ = precision_recall_curve(truth, known(scores))
    return Curve(np.asarray(recall, float)[::-1], np.asarray(precision, float)[::-1])


def at_threshold(truth: Truths, flagged: Truths) -> tuple[float, float, float] | None:
    """Precision, recall and F1 of flagged frames; None when no frame is abnormal."""
    if not truth.any():
        return None
    return (
        float(precision_score(truth, flagged, zero_division=0.0)),
        float(recall_score(truth, flagged, zero_division=0.0)),
        float(f1_score(truth, flagged, zero_division=0.0)),
    )


def best_f1(truth: Truths, scores: Values) -> float | None:
    """The highest F1 that any threshold reaches; None unless there are frames of both kinds."""
    if not both(truth):
        return None
    curve = precision_recall(truth, scores)
    total = curve.x + curve.y
    return float(np.max(2 * curve.x * curve.y / np.where(total > 0, total, 1.0)))
