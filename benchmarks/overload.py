"""More cameras than an engine can serve: latency, fairness and memory at 90 % and at 120 % of its capacity.

    python -m benchmarks.overload [--minutes 10] [--capacity 60] [--judges 2] [--json overload.json]

Everything between the decoder and the publisher is the daemon's own (doors, mailboxes, batcher, inference stages, a
thread each); the engine is a sleep of so long a frame, so that the load is exact whatever else the machine does, and
the judges share its capacity. For the whole daemon see `vigil bench`.
"""

from __future__ import annotations

import argparse
import json
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from prometheus_client import CollectorRegistry

from engines.contract import SIGNALS, Batch, Decoded, Encoded, EngineInfo, Floats, Maps, NetworkSpec, Pixels, Scores
from engines.detector import Watched
from engines.zoning import Zoning
from pipelines.batcher import Batcher, BatchSettings
from pipelines.door import Door
from pipelines.infer import Infer, Judge
from pipelines.mailbox import Mailbox
from pipelines.metrics import Metrics
from pipelines.roster import Roster
from pipelines.shedding import Shedder, SheddingSettings
from pipelines.types import Frame, Verdict

FPS = 5.0
SETTLE_S = 10.0


class NoEngine:
    """Stands where the engine would: the scorer asks it for nothing, and it sees nothing."""

    info = EngineInfo("none", "none", "f32", "none")
    spec = NetworkSpec((16, 16), (4, 4), 1, 1, (16, 16))

    def open(self) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to close."""

    def encode(self, pixels: Pixels) -> Encoded:
        """Zeros."""
        empty = np.zeros((len(pixels), *self.spec.places, 1), np.float32)
        return Encoded(empty, empty)

    def decode(self, latent: Floats) -> Decoded:
        """Zeros."""
        return Decoded(latent * 0, np.zeros((len(latent), *self.spec.picture_size, 3), np.float32))


@dataclass(frozen=True)
class SlowScorer:
    """Takes so many seconds a frame, without holding the interpreter's lock."""

    frame_s: float

    def score(self, batch: Batch) -> Scores:
        """Zeros, in time."""
        time.sleep(self.frame_s * len(batch))
        values, places = np.zeros(len(batch), np.float32), np.zeros((4, 4), np.float32)
        maps = [Maps.of(places, dict.fromkeys(SIGNALS, places))] * len(batch)
        return Scores(values, values + 1, maps, dict.fromkeys(SIGNALS, values), values)

    def hold(self, camera: str, until_s: float, *, changed: bool) -> None:
        """Nothing is remembered."""

    def forget(self, camera: str) -> None:
        """Nothing is remembered."""

    def add(self, camera: str, watched: Watched) -> None:
        """All cameras are alike."""

    def remove(self, camera: str) -> None:
        """All cameras are alike."""

    def retune(self, camera: str, threshold: float) -> None:
        """All cameras are alike."""

    def rezone(self, camera: str, zoning: Zoning | None) -> None:
        """All places are alike."""


@dataclass
class Camera:
    """Sends frames at its rate, through its door, as a capture thread does."""

    name: str
    door: Door
    mailbox: Mailbox
    stop: threading.Event
    asked: int = 0

    def run(self) -> None:
        """Until told to stop."""
        pixels, seq = np.zeros((16, 16, 3), np.uint8), 0
        due_s = time.monotonic() + random.random() / FPS  # noqa: S311 - not for secrets
        while not self.stop.wait(max(0.0, due_s - time.monotonic())):
            due_s += 1 / FPS
            self.asked += 1
            if self.door.admits():
                seq += 1
                now_ns = time.monotonic_ns()
                self.mailbox.put(Frame(self.name, seq, pixels, now_ns, now_ns / 1e9, time.time(), lambda: pixels))


@dataclass
class Heard:
    """What came out."""

    latencies_s: list[float] = field(default_factory=list)
    judged: dict[str, int] = field(default_factory=dict)

    def hear(self, verdict: Verdict) -> bool:
        """Count a verdict."""
        self.latencies_s.append((verdict.judged_ns - verdict.frame.captured_ns) / 1e9)
        self.judged[verdict.frame.camera] = self.judged.get(verdict.frame.camera, 0) + 1
        return True


def run(load: float, capacity: float, seconds: float, *, judges: int = 1, shed: bool = True) -> dict[str, Any]:
    """As many cameras as ask `load` of `judges` that do `capacity` frames a second between them."""
    count = max(1, round(load * capacity / FPS))
    metrics, filled, stop, heard = Metrics(CollectorRegistry()), threading.Condition(), threading.Event(), Heard()
    series = {name: metrics.camera(name) for name in (f"cam{index:03}" for index in range(count))}
    shedder = Shedder(SheddingSettings(enabled=shed), metrics.load, judges=judges)
    cameras = [Camera(name, shedder.door(one), Mailbox(name, filled), stop) for name, one in series.items()]
    judge = Judge(NoEngine(), SlowScorer(judges / capacity))
    batcher = Batcher([camera.mailbox for camera in cameras], filled, BatchSettings(), series, threads=judges)
    roster = Roster(metrics, dict.fromkeys(series, judge), series)
    stages = [Infer(batcher, roster, heard.hear, metrics, worked=shedder.worked, number=n) for n in range(judges)]
    threads = [threading.Thread(target=camera.run) for camera in cameras]
    threads += [threading.Thread(target=_step, args=(stage, stop)) for stage in stages]
    for thread in threads:
        thread.start()
    try:
        memory = _watch(cameras, heard, seconds)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return _figures(load, cameras, heard, memory)


def _step(infer: Infer, stop: threading.Event) -> None:
    while not stop.is_set():
        infer.step()


def _watch(cameras: Sequence[Camera], heard: Heard, seconds: float) -> list[float]:
    time.sleep(min(SETTLE_S, seconds))
    heard.latencies_s.clear()
    heard.judged.clear()
    for camera in cameras:
        camera.asked = 0
    memory, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(min(5.0, seconds / 4))
        memory.append(psutil.Process().memory_info().rss / 2**20)
    return memory


def _figures(load: float, cameras: Sequence[Camera], heard: Heard, memory: Sequence[float]) -> dict[str, Any]:
    latencies = sorted(heard.latencies_s)
    kept = [heard.judged.get(camera.name, 0) / camera.asked for camera in cameras]
    return {
        "load": load,
        "cameras": len(cameras),
        "frames kept, share": round(sum(kept) / len(kept), 4),
        "least and most kept by a camera": [round(min(kept), 4), round(max(kept), 4)],
        "latency p50 / p99 / highest, ms": [
            round(1000 * latencies[int(q * (len(latencies) - 1))], 1) for q in (0.5, 0.99, 1)
        ],
        "memory first / last, MB": [round(memory[0], 1), round(memory[-1], 1)],
    }


def main() -> None:
    """Print the figures of both loads, and of 120 % without shedding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="of each run")
    parser.add_argument("--capacity", type=float, default=60.0, help="frames a second that the engine can do")
    parser.add_argument("--judges", type=int, default=2, help="threads that share this")
    parser.add_argument("--json", type=Path, help="keep the figures in this file")
    options = parser.parse_args()
    rows = []
    for load, shed in ((0.9, True), (1.2, True), (1.2, False)):
        rows.append(
            {"shedding": shed, **run(load, options.capacity, 60 * options.minutes, judges=options.judges, shed=shed)}
        )
        print(json.dumps(rows[-1], indent=2), flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
