"""Samples of footage -> verdicts, for the commands that judge without the daemon."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np

from engines.contract import Batch
from engines.detector import Detector
from pipelines.judged import verdict_of
from pipelines.sources.source import Sample
from pipelines.types import Frame, Verdict


def judge(detector: Detector, camera: str, batch: Sequence[Sample]) -> Iterator[Verdict]:
    """Judge samples that follow each other, by the profile that `detector` has for `camera`."""
    taken_ns = time.monotonic_ns()
    scores = detector.score(
        Batch(
            cameras=(camera,) * len(batch),
            times_s=tuple(sample.time_s for sample in batch),
            pixels=np.stack([sample.pixels for sample in batch]),
        )
    )
    judged_ns = time.monotonic_ns()
    for index, sample in enumerate(batch):
        yield verdict_of(_frame(camera, sample), scores, index, taken_ns, judged_ns)


def _frame(camera: str, sample: Sample) -> Frame:
    return Frame(
        camera=camera,
        seq=1,
        pixels=sample.pixels,
        captured_ns=sample.captured_ns,
        time_s=sample.time_s,
        wall_s=sample.wall_s,
        picture=sample.picture,
    )
