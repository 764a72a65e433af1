"""What judges frames, with everything real around it but the publisher."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry

from engines.detector import Detector, Watched
from pipelines.batcher import Batcher, BatchSettings
from pipelines.gate import Gate
from pipelines.infer import Infer, Judge
from pipelines.mailbox import Mailbox
from pipelines.metrics import Metrics
from pipelines.roster import Roster
from pipelines.seating import Ready
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.sources.source import Sample
from pipelines.sources.spec import parse_source
from pipelines.types import Frame, Unfit, Verdict


def samples_of(clip: Path, most: int | None = None) -> list[Sample]:
    source = open_source(parse_source(str(clip)), SourceSettings(fps=5), (256, 256))
    found: list[Sample] = []
    while len(found) != most and (sample := source.read()) is not None:
        found.append(sample)
    source.close()
    return found


@dataclass
class Room:
    """The stage with everything real around it but the publisher."""

    infer: Infer
    roster: Roster
    mailboxes: dict[str, Mailbox]
    registry: CollectorRegistry
    verdicts: list[Verdict] = field(default_factory=list)
    seq: int = 0

    def put(
        self,
        camera: str,
        sample: Sample,
        time_s: float | None = None,
        *,
        unfit: Unfit | None = None,
        held: bool = False,
    ) -> None:
        self.seq += 1
        self.mailboxes[camera].put(
            Frame(
                camera=camera,
                seq=self.seq,
                pixels=sample.pixels,
                captured_ns=time.monotonic_ns(),
                time_s=sample.time_s if time_s is None else time_s,
                wall_s=sample.wall_s,
                picture=sample.picture,
                unfit=unfit,
                held=held,
                hidden=sample.hidden,
            )
        )

    def judge(self, camera: str, sample: Sample, time_s: float | None = None) -> Verdict:
        self.put(camera, sample, time_s)
        assert self.infer.step()
        return self.verdicts[-1]

    def value(self, name: str, **labels: str) -> float:
        value = self.registry.get_sample_value(name, labels)
        assert value is not None, name
        return value


def ready(judge: Judge, watched: Watched) -> Ready:
    """What a camera is to be judged by, for a detector of this process."""
    assert isinstance(judge.detector, Detector)
    return Ready(judge.detector, watched)


@contextmanager
def room_of(judges: dict[str, Judge], gates: dict[str, Gate] | None = None) -> Iterator[Room]:
    registry, filled = CollectorRegistry(), threading.Condition()
    metrics = Metrics(registry)
    series = {camera: metrics.camera(camera) for camera in judges}
    mailboxes = {camera: Mailbox(camera, filled) for camera in judges}
    settings = BatchSettings(window_ms=20, due_ms=60_000, stale_ms=60_000)
    batcher = Batcher(mailboxes.values(), filled, settings, series)
    verdicts: list[Verdict] = []

    def offer(verdict: Verdict) -> bool:
        verdicts.append(verdict)
        return True

    roster = Roster(metrics, judges, series, gates=gates)
    infer = Infer(batcher, roster, offer, metrics)
    infer.open()
    try:
        yield Room(infer, roster, mailboxes, registry, verdicts)
    finally:
        infer.close()
