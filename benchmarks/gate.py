"""What the change gate saves, and that it costs no detection.

    python -m benchmarks.gate --data ../shared/data [--scene NORMAL.mp4 TEST.mp4] [--json gate.json]

Each set is enrolled as `benchmarks.footage` does and judged twice, by the daemon's own inference stage: with the gate
and without. Without `--scene` a generated view is rendered (`--minutes` of each clip). `quiet` is the same view, by the
same profile, with nobody about but what is planted: there the gate has something to save, and something to miss.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from benchmarks import footage
from daemon.commands.footage import source_of
from daemon.commands.judging import judged_frame
from daemon.commands.labelled import LabelledClip, labelled
from engines.detector import Detector
from engines.evaluation.alarms import EventRule
from engines.evaluation.pooled import Pooled
from engines.evaluation.record import ClipRecord
from engines.profile import Profile
from engines.runtime.select import EngineSettings, select_engine
from pipelines.batcher import Batcher, BatchSettings
from pipelines.gate import WHYS, Gate
from pipelines.infer import Infer, Judge
from pipelines.mailbox import Mailbox
from pipelines.metrics import Metrics
from pipelines.roster import Roster
from pipelines.simulation.encode import encode_scene
from pipelines.simulation.scene import Scene, plan_anomalies
from pipelines.sources.source import Sample
from pipelines.types import Frame, Verdict

CAMERA = "camera"
RULE = EventRule()
_LEAST_QUIET_MIN = 2.5
"""Planted anomalies need so much room."""


@dataclass(frozen=True)
class Collected:
    """A data set, once it is enrolled."""

    truth: Path
    profile: Path


@dataclass(frozen=True)
class Bench(footage.Bench):
    """Keeps what would be evaluated."""

    found: list[Collected] = dataclasses.field(default_factory=list)

    def evaluate(self, truths: Sequence[Path], profiles: Sequence[Path], *options: str) -> None:  # noqa: ARG002
        """Remember truth and profile instead."""
        self.found.extend(Collected(truth, profile) for truth, profile in zip(truths, profiles, strict=True))


class Stage:
    """The daemon's inference stage, fed with one frame at a time."""

    def __init__(self, judge: Judge, gate: Gate | None) -> None:
        registry, filled = CollectorRegistry(), threading.Condition()
        metrics = Metrics(registry)
        series = {CAMERA: metrics.camera(CAMERA)}
        self._mailbox = Mailbox(CAMERA, filled)
        batcher = Batcher([self._mailbox], filled, BatchSettings(window_ms=0, stale_ms=60_000), series)
        self._said: list[Verdict] = []
        gates = {} if gate is None else {CAMERA: gate}
        roster = Roster(metrics, {CAMERA: judge}, series, gates=gates)
        self._infer = Infer(batcher, roster, self._hear, metrics)
        self._registry = registry
        self._began_ns = time.monotonic_ns()

    def _hear(self, verdict: Verdict) -> bool:
        self._said.append(verdict)
        return True

    def judge(self, sample: Sample) -> Verdict:
        """What is said of a sample."""
        # As if captured in real time: a benchmark that is held up is no outage of the camera.
        captured_ns = self._began_ns + int(sample.time_s * 1e9)
        frame = Frame(CAMERA, 1, sample.pixels, captured_ns, sample.time_s, sample.wall_s, sample.picture)
        self._mailbox.put(frame)
        self._infer.step()
        return self._said.pop()

    def whys(self) -> Counter[str]:
        """What the gate said, counted."""
        name, count = "vigil_gate_frames_total", self._registry.get_sample_value
        return Counter({why: int(count(name, {"camera": CAMERA, "why": why}) or 0) for why in WHYS})


def judged(judge: Judge, clip: LabelledClip, threshold: float, gate: Gate | None) -> tuple[ClipRecord, Counter[str]]:
    """Judge a clip frame by frame at the rate that the daemon would."""
    judge.detector.forget(CAMERA)
    stage = Stage(judge, gate)
    record = ClipRecord(clip.name, clip.truth, threshold, with_maps=False)
    rate = footage.SCENE_FPS if (clip.truth.fps or 0) > 10 else None
    with closing(source_of(clip.spec, rate, judge.engine.spec.input_size)) as source:
        while (sample := source.read()) is not None:
            record.add(judged_frame(stage.judge(sample), 1))
    return record, stage.whys()


def compare(one: Collected) -> dict[str, Any]:
    """Judge a set with and without the gate."""
    footage_set, profile = labelled(str(one.truth)), Profile.load(one.profile)
    engine = select_engine(profile.network, EngineSettings())
    engine.open()
    judge = Judge(engine, Detector(engine, {CAMERA: profile}))
    off, on, whys = [], [], Counter[str]()
    for clip in footage_set.clips:
        off.append(judged(judge, clip, profile.threshold, None)[0])
        record, said = judged(judge, clip, profile.threshold, Gate())
        on.append(record)
        whys += said
    engine.close()
    frames = sum(whys.values())
    return {
        "set": footage_set.name,
        "frames": frames,
        "saved share": round(whys["unchanged"] / frames, 4),
        "frames by reason": {why: whys[why] for why in WHYS},
        "gate off": _figures(off),
        "gate on": _figures(on),
        "frames flagged otherwise": sum(
            int(((a.score >= a.threshold) != (b.score >= b.threshold)).sum()) for a, b in zip(off, on, strict=True)
        ),
    }


def _figures(records: Sequence[ClipRecord]) -> dict[str, Any]:
    pooled = Pooled(records, RULE)
    alarms = pooled.alarm_figures()
    return {
        "frame AUROC": pooled.frame_figures().auroc,
        "events": alarms.events,
        "anomalies found": alarms.found,
        "anomalies": alarms.instances,
        "false alarms": alarms.false_alarms,
        "median delay, s": alarms.delay_median_s,
        "p90 delay, s": alarms.delay_p90_s,
    }


def collect(bench: Bench, scene: Sequence[Path] | None, sets: Sequence[str]) -> Iterator[Collected]:
    """Enrol one set after the other."""
    if "ped1" in sets:
        footage.ped1(bench)
    if "office" in sets:
        footage.office(bench)
    yield from bench.found
    if not {"scene", "quiet"} & set(sets):
        return
    if scene is None and bench.profile is not None and "scene" not in sets:
        scene = ()  # nothing is needed of it
    elif scene is None:
        scene = bench.work / "normal.mp4", bench.work / "view.mp4"
        encode_scene(Scene(0, seed=1), scene[0], bench.minutes * 60)
        planted = plan_anomalies(0, bench.minutes * 60, seed=2)
        encode_scene(Scene(0, seed=2, anomalies=planted), scene[1], bench.minutes * 60)
    profile = bench.profile or bench.enrol("scene", scene[0], *footage.HOURLY, "--fps", str(footage.SCENE_FPS))
    if "scene" in sets:
        yield Collected(scene[1], profile)
    if "quiet" in sets:
        quiet, length_s = bench.work / "quiet.mp4", max(bench.minutes, _LEAST_QUIET_MIN) * 60
        planted = plan_anomalies(0, length_s, seed=3)
        quietly = Scene(0, seed=3, anomalies=planted, fps=footage.SCENE_FPS, empty=True)
        encode_scene(quietly, quiet, length_s)
        yield Collected(quiet, profile)


def main() -> None:
    """Print the figures of each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--scene", type=Path, nargs=2, help="a generated view: normal clip, test clip with its truth")
    parser.add_argument("--sets", nargs="+", default=["ped1", "office", "scene", "quiet"], help="which of them")
    parser.add_argument("--profile", type=Path, help="judge by this profile instead of enrolling")
    parser.add_argument("--minutes", type=float, default=5, help="length of each generated clip")
    parser.add_argument("--json", type=Path, help="keep the figures in this file")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as work:
        bench = Bench(options.data.resolve(), Path(work), options.profile, (), options.minutes, 1)
        for one in collect(bench, options.scene, options.sets):
            rows.append(compare(one))
            print(json.dumps(rows[-1], indent=2), flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
