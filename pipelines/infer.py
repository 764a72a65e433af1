"""Frames of all cameras -> batch -> scores -> verdicts, on the one thread that owns the engine."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engines.contract import Batch, Engine, Scores
from pipelines.metrics import CameraMetrics, Metrics
from pipelines.types import Frame, Verdict

_log = logging.getLogger("vigil.infer")


class Collector(Protocol):
    """Where frames come from: the batcher."""

    def collect(self, timeout_s: float) -> list[Frame]:
        """The frames of the next batch; empty when none came within `timeout_s`."""


class Scorer(Protocol):
    """What judges frames: the detector."""

    def score(self, batch: Batch) -> Scores:
        """Score a batch; one entry a frame, in the batch's order."""

    def forget(self, camera: str) -> None:
        """Drop what is remembered of a camera's last frames."""


@dataclass(frozen=True, slots=True)
class Judge:
    """A compiled network and the detector that runs on it, for the cameras whose profiles embed that network."""

    engine: Engine
    detector: Scorer


class Infer:
    """A stage that judges frames. Raises `engines.errors.EngineError` when an engine fails."""

    name = "infer"

    def __init__(
        self,
        batcher: Collector,
        judges: Mapping[str, Judge],
        offer: Callable[[Verdict], bool],
        metrics: Metrics,
        cameras: Mapping[str, CameraMetrics],
        *,
        gap_s: float = 2.0,
    ) -> None:
        """Judge what `batcher` collects, each camera by its entry in `judges`, and hand verdicts to `offer`.

        A camera without a frame for longer than `gap_s` seconds is judged afresh: no motion, no smoothing across.
        """
        self._batcher = batcher
        self._judges = judges
        self._offer = offer
        self._metrics = metrics
        self._cameras = cameras
        self._gap_s = gap_s
        self._last: dict[str, tuple[float, int]] = {}
        self.analysed_ns = 0
        """When a frame was last analysed, on the monotonic clock; 0 for never. Any thread may read it."""

    def open(self) -> None:
        """Open every engine on this thread."""
        for engine in self._engines():
            began = time.monotonic()
            engine.open()
            info = engine.info
            self._metrics.describe_engine(info)
            _log.info(
                "engine ready in %.1f s: %s on %s, %s, network %s",
                time.monotonic() - began,
                info.runtime,
                info.device,
                info.precision,
                info.model,
            )

    def step(self) -> bool:
        """Judge one batch, or return after a quarter of a second without frames."""
        frames = self._batcher.collect(0.25)
        taken_ns = time.monotonic_ns()
        for judge, theirs in self._by_judge(frames):
            self._judge(judge, theirs, taken_ns)
        return True

    def close(self) -> None:
        """Close every engine."""
        for engine in self._engines():
            engine.close()

    def _engines(self) -> list[Engine]:
        return list({id(judge.engine): judge.engine for judge in self._judges.values()}.values())

    def _by_judge(self, frames: Sequence[Frame]) -> list[tuple[Judge, list[Frame]]]:
        groups: dict[int, tuple[Judge, list[Frame]]] = {}
        for frame in frames:
            judge = self._judges[frame.camera]
            groups.setdefault(id(judge), (judge, []))[1].append(frame)
        return list(groups.values())

    def _judge(self, judge: Judge, frames: list[Frame], taken_ns: int) -> None:
        for frame in frames:
            self._mind_gap(judge.detector, frame)
        scores = judge.detector.score(
            Batch(
                cameras=tuple(frame.camera for frame in frames),
                times_s=tuple(frame.time_s for frame in frames),
                pixels=np.stack([frame.pixels for frame in frames]),
            )
        )
        judged_ns = time.monotonic_ns()
        self._metrics.batch_size.observe(len(frames))
        for index, frame in enumerate(frames):
            verdict = verdict_of(frame, scores, index, taken_ns, judged_ns)
            self._measure(verdict)
            self._offer(verdict)
        self.analysed_ns = judged_ns

    def _mind_gap(self, detector: Scorer, frame: Frame) -> None:
        """Drop the camera's history when motion since its last frame would make no sense."""
        last = self._last.get(frame.camera)
        self._last[frame.camera] = now = (frame.time_s, frame.captured_ns)
        if last is None:
            return
        on_camera_s, here_s = now[0] - last[0], (now[1] - last[1]) / 1e9
        if on_camera_s <= 0 or max(on_camera_s, here_s) > self._gap_s:
            detector.forget(frame.camera)

    def _measure(self, verdict: Verdict) -> None:
        frame = verdict.frame
        camera = self._cameras[frame.camera]
        camera.analysed.inc()
        camera.stage["queue"].observe((verdict.taken_ns - frame.captured_ns) / 1e9)
        camera.stage["infer"].observe((verdict.judged_ns - verdict.taken_ns) / 1e9)
        camera.capture_to_verdict.observe((verdict.judged_ns - frame.captured_ns) / 1e9)
        camera.score.set(verdict.score)
        camera.threshold.set(verdict.threshold)
        camera.uncertainty.set(verdict.uncertainty)
        for signal, value in verdict.signals.items():
            camera.signal[signal].set(value)


def verdict_of(frame: Frame, scores: Scores, index: int, taken_ns: int, judged_ns: int) -> Verdict:
    """What the scores of a batch say of the frame at `index`; the times are on the monotonic clock."""
    return Verdict(
        frame=frame,
        score=float(scores.score[index]),
        threshold=float(scores.threshold[index]),
        uncertainty=float(scores.uncertainty[index]),
        map=scores.map[index],
        signals={name: float(values[index]) for name, values in scores.signals.items()},
        signal_maps={name: maps[index] for name, maps in scores.signal_maps.items()},
        taken_ns=taken_ns,
        judged_ns=judged_ns,
    )
