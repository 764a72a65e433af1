"""Runs a profile over footage with truth, and keeps the frames that are worth a look."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from rich.progress import Progress as Bar

from daemon.commands import verdicts
from daemon.commands.footage import BATCH, batches, samples, source_of
from daemon.commands.gallery import Gallery
from daemon.commands.labelled import LabelledClip
from engines.contract import Engine
from engines.detector import Detector
from engines.evaluation.record import ClipRecord, Judged, Promise
from engines.profile import Profile
from pipelines.errors import SourceError
from pipelines.types import Verdict

_CAMERA = "footage"


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """A profile on an open engine."""

    engine: Engine
    detector: Detector
    profile: Profile

    @classmethod
    def of(cls, engine: Engine, profile: Profile) -> Judge:
        """The engine must be open and run the profile's network."""
        return cls(engine, Detector(engine, {_CAMERA: profile}), profile)


@dataclass(frozen=True, slots=True)
class Task:
    """How footage is to be judged."""

    fps: float | None
    bar: Bar
    keep_maps: bool = True
    """Whether to count pixels and regions, too."""


def judge_clip(judge: Judge, clip: LabelledClip, task: Task, gallery: Gallery | None = None) -> ClipRecord:
    """Judge a clip frame by frame. The record's maps must be closed by the caller.

    Raises `SourceError` when the clip cannot be read or holds nothing.
    """
    source = source_of(clip.spec, task.fps, judge.engine.spec.input_size)
    with closing(source):
        record = ClipRecord(
            clip.name,
            clip.truth,
            judge.profile.threshold,
            still=source.still,
            promise=promise_of(judge.profile) if source.still == judge.profile.still else None,
            with_maps=task.keep_maps,
        )
        alone = source.still and not judge.profile.still
        shown = task.bar.add_task(clip.name, total=source.size_hint)
        for batch in batches(samples(source), 1 if alone else BATCH):
            if alone or not record.times_s:
                judge.detector.forget(_CAMERA)
            for verdict in verdicts.judge(judge.detector, _CAMERA, batch):
                record.add(judged_frame(verdict, len(batch)))
                if gallery is not None:
                    gallery.consider(record, verdict)
            task.bar.update(shown, advance=len(batch), total=source.size_hint)
        task.bar.remove_task(shown)
    if not record.times_s:
        raise SourceError(f"{clip.spec.label}: no frame in it; check the source and its stretch")
    return record


def promise_of(profile: Profile) -> Promise | None:
    """What a profile says of its false alarms; None of one made before profiles did."""
    told = profile.provenance.get("figures", {})
    if "rate_interval" not in told:
        return None
    share = 1.0 if profile.still else 1 / 24
    low, high = told["rate_interval"]
    return Promise(told["rate"] * share, low * share, high * share)


def judged_frame(verdict: Verdict, together: int) -> Judged:
    """What an evaluation notes of a frame, whose latency is its share of the time that its batch of `together` took."""
    return Judged(
        time_s=verdict.frame.time_s,
        score=verdict.score,
        signals=verdict.signals,
        map=verdict.map,
        signal_maps=verdict.signal_maps,
        uncertainty=verdict.uncertainty,
        latency_ms=(verdict.judged_ns - verdict.taken_ns) / 1e6 / together,
    )
