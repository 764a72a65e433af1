"""The calibration study: the same footage under many conditions at once, read and decoded only once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from daemon.commands.footage import samples, source_of
from daemon.commands.judging import Judge, Task, promise_of
from daemon.commands.labelled import LabelledClip
from engines.contract import SIGNALS, Batch, Scores
from engines.detector import Detector
from engines.evaluation.record import ClipRecord, Judged
from engines.evaluation.shifts import Shift
from pipelines.sources.source import Sample

_WINDOW_S: Final = 10.0
_MOST: Final = 500
"""Frames that are judged under each condition: enough to see a threshold give way."""


@dataclass(slots=True)
class Windows:
    """Of long footage every n-th window of some seconds, evenly over all clips."""

    one_in: int
    _number: int = field(default=-1, init=False)
    _now: tuple[str, int] | None = field(default=None, init=False)

    @classmethod
    def of(cls, frames: int) -> Windows:
        """For footage of so many frames."""
        return cls(max(1, -(-frames // _MOST)))

    def take(self, clip: str, time_s: float, *, still: bool) -> bool:
        """Whether a frame is in a window that is judged; frames come in order."""
        window = (clip, int(time_s) if still else int(time_s // _WINDOW_S))
        if window != self._now:
            self._now = window
            self._number += 1
        return self._number % self.one_in == 0


def study_clip(
    judge: Judge, clip: LabelledClip, task: Task, shifts: Sequence[Shift], windows: Windows
) -> list[ClipRecord]:
    """Judge a clip under every shift; one record a shift, without maps, empty where no window falls on the clip.

    Raises `SourceError` when the clip cannot be read.
    """
    source = source_of(clip.spec, task.fps, judge.engine.spec.input_size)
    cameras = [f"condition {number}" for number in range(len(shifts))]
    detector = Detector(judge.engine, dict.fromkeys(cameras, judge.profile))
    promise = promise_of(judge.profile) if source.still == judge.profile.still else None
    records = [
        ClipRecord(clip.name, clip.truth, judge.profile.threshold, source.still, promise, with_maps=False)
        for _ in shifts
    ]
    with closing(source):
        shown = task.bar.add_task(f"{clip.name}, changed", total=source.size_hint)
        for number, sample in enumerate(samples(source)):
            task.bar.update(shown, advance=1, total=source.size_hint)
            if not windows.take(clip.name, sample.time_s, still=source.still):
                continue
            if source.still:
                for camera in cameras:
                    detector.forget(camera)
            shows = [index for index, shift in enumerate(shifts) if number % shift.keep_every == 0]
            scores = detector.score(_batch(sample, number, [(cameras[index], shifts[index]) for index in shows]))
            for index, judged in zip(shows, _judged(scores, sample.time_s), strict=True):
                records[index].add(judged)
        task.bar.remove_task(shown)
    return records


def _batch(sample: Sample, number: int, conditions: Sequence[tuple[str, Shift]]) -> Batch:
    """One frame under several conditions, each as a camera of its own."""
    return Batch(
        tuple(camera for camera, _ in conditions),
        (sample.time_s,) * len(conditions),
        np.stack([shift.apply(sample.pixels, number) for _, shift in conditions]),
    )


def _judged(scores: Scores, time_s: float) -> Iterator[Judged]:
    for index in range(len(scores)):
        signals = {signal: float(scores.signals[signal][index]) for signal in SIGNALS}
        yield Judged(time_s, float(scores.score[index]), signals, scores.maps[index].fused, {}, 0.0, 0.0)
