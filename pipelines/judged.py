"""From the scores of a batch to verdicts on its frames."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from engines.contract import Maps, Scores, Situation
from pipelines.metrics import CameraMetrics
from pipelines.types import Frame, Unfit, Verdict


def held(verdict: Verdict, camera: CameraMetrics) -> Verdict:
    """The verdict, kept from beginning an alarm if its frame is held; that is counted if it would have."""
    if not (verdict.frame.held and verdict.flagged):
        return verdict
    camera.suppressed["unsettled"].inc()
    return dataclasses.replace(verdict, unfit="unsettled")


def unjudged(frame: Frame, unfit: Unfit, taken_ns: int, judged_ns: int) -> Verdict:
    """What is handed on of a frame that was not fit to be judged; the times are on the monotonic clock."""
    return Verdict(
        frame=frame,
        score=0.0,
        threshold=math.inf,
        uncertainty=0.0,
        maps=Maps.of(np.zeros((1, 1), np.float32), {}),
        signals={},
        taken_ns=taken_ns,
        judged_ns=judged_ns,
        unfit=unfit,
    )


def verdict_of(frame: Frame, scores: Scores, index: int, taken_ns: int, judged_ns: int) -> Verdict:
    """What the scores of a batch say of the frame at `index`; the times are on the monotonic clock."""
    return Verdict(
        frame=frame,
        score=float(scores.score[index]),
        threshold=float(scores.threshold[index]),
        uncertainty=float(scores.uncertainty[index]),
        maps=scores.maps[index],
        signals={name: float(values[index]) for name, values in scores.signals.items()},
        taken_ns=taken_ns,
        judged_ns=judged_ns,
        situation=scores.situations[index] if scores.situations else Situation(),
    )
