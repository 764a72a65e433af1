"""Learns the scoring module: how much each view's word is worth at this camera, and how their words add up.

It has one weight a view and one power. They are learnt from normal frames that were held out and from anomalies
rehearsed on them (`rehearsal`): those are taken that make the rehearsed ones most surprising among the normal ones. A
view that is restless at this camera, or repeats what another says better, loses weight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from engines.calibration import fit_tail
from engines.scoring import View, Views, norm_of

WEIGHTS: Final = (0.25, 0.5, 0.75, 1.0)
POWERS: Final = (2.0, 1.0, 3.0)
"""The first is taken unless another is clearly better."""
_ENOUGH: Final = 4.0
"""Surprise beyond which an anomaly is found for sure and more of it is no gain."""
_WORTH: Final = 0.03
"""What is rehearsed is not what will happen: all views count alike unless a change is a gain of at least this."""
_ROUNDS: Final = 2

Weights = dict[View, float]


def learn_fusion(normal: Views, rehearsed: Sequence[Sequence[Views]]) -> tuple[Weights, float]:
    """Choose weights, the largest of them 1, and the power of the norm.

    Takes surprises, float32 [n] a view, of unseen normal frames and of each kind of each family of anomaly.
    """
    even: Weights = dict.fromkeys(normal, 1.0)
    if not rehearsed:
        return even, POWERS[0]

    def gain(weights: Weights, power: float) -> float:
        return _found(normal, rehearsed, weights, power)

    climbed = [_climb(even, power, gain) for power in POWERS]
    best, weights, power = climbed[0]
    for reached, others, exponent in climbed[1:]:
        if reached > best + _WORTH:
            best, weights, power = reached, others, exponent
    return weights, power


def _climb(weights: Weights, power: float, gain: Callable[[Weights, float], float]) -> tuple[float, Weights, float]:
    """Change one weight at a time while that is worth it."""
    best = gain(weights, power)
    for _ in range(_ROUNDS):
        for view in weights:
            for weight in WEIGHTS:
                changed = _levelled({**weights, view: weight})
                reached = gain(changed, power)
                if reached > best + _WORTH:
                    best, weights = reached, changed
    return best, weights, power


def _levelled(weights: Weights) -> Weights:
    most = max(weights.values())
    return {view: weight / most for view, weight in weights.items()}


def _found(normal: Views, rehearsed: Sequence[Sequence[Views]], weights: Weights, power: float) -> float:
    """How far, of what is enough, rehearsed anomalies stand out from normal frames; each family counts alike."""
    tail = fit_tail(norm_of(normal, weights, power).astype(np.float64))

    def outstanding(views: Views) -> float:
        return float(np.minimum(tail.surprise(norm_of(views, weights, power)), _ENOUGH).mean())

    return float(np.mean([np.mean([outstanding(kind) for kind in family]) for family in rehearsed])) / _ENOUGH
