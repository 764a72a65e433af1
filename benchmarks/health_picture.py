"""Faults of the picture, through capture, detector and events, on a clock that runs as fast as the machine can."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from benchmarks.health_faults import FAULTS, Fault
from engines.contract import Engine, Pixels, Regime
from engines.detector import Detector
from engines.profile import Profile
from engines.view import View
from pipelines.capture import Capture
from pipelines.events import EventSettings, EventTracker
from pipelines.health.monitor import Monitor
from pipelines.infer import Infer, Judge
from pipelines.mailbox import Mailbox
from pipelines.metrics import Metrics
from pipelines.roster import Roster
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.sources.source import Sample
from pipelines.sources.spec import parse_source
from pipelines.types import Frame, HealthEvent, HealthKind, Verdict

FPS: Final = 5.0
LEAD_S: Final = 4.0
"""What is to be known of the last moments is known by then."""
FAULT_S: Final = 5.0
AFTER_S: Final = 4.0
NAMED_S: Final = 3.0


@dataclass(frozen=True)
class Trial:
    """One fault and what was made of it."""

    kind: str
    named_after_s: float | None
    """From the first faulty frame to the begin of the right kind; None: not within the fault."""
    others: tuple[str, ...]
    """Other kinds that began."""
    alarms: int
    """Events begun from the fault's first frame to the end."""

    @property
    def right(self) -> bool:
        """Named rightly and in time."""
        return self.named_after_s is not None and self.named_after_s <= NAMED_S


@dataclass
class Reel:
    """A source of frames that are there already, on a clock of its own, with a fault between two of them."""

    frames: Sequence[Pixels]
    fault: Fault | None = None
    first: int = 0
    last: int = 0
    at: int = 0
    still: bool = field(default=False, init=False)
    size_hint: int | None = field(default=None, init=False)

    def open(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def read(self, patience_s: float | None = None) -> Sample | None:
        """The next frame."""
        _ = patience_s
        if self.at == len(self.frames):
            return None
        number, self.at = self.at, self.at + 1
        pixels = self.frames[number]
        if self.fault is not None and self.first <= number < self.last:
            pixels = self.fault(pixels, number - self.first)
        now_s = 1000 + number / FPS
        return Sample(pixels, number / FPS, round(now_s * 1e9), 1.8e9 + now_s, lambda: pixels)


class Camera:
    """A camera's whole way from its source to its events."""

    def __init__(self, reel: Reel, profile: Profile, engine: Engine) -> None:
        metrics = Metrics(CollectorRegistry())
        series = metrics.camera("gate")
        self.told: list[tuple[float, HealthEvent]] = []
        self.begun: list[float] = []
        """When events began, seconds of the reel."""
        self._reel = reel
        monitor = Monitor("gate", series, self._hear, views=_views(profile))
        self._mailbox = Mailbox("gate", threading.Condition())
        self._capture = Capture("gate", lambda: reel, self._mailbox, series, health=monitor)
        judge = Judge(engine, Detector(engine, {"gate": profile}))
        self._infer = Infer(self, Roster(metrics, {"gate": judge}, {"gate": series}), self._offer, metrics)
        self._tracker = EventTracker("gate", EventSettings(), "bench")

    def run(self) -> None:
        """Play the reel to its end."""
        while self._capture.step():
            self._infer.step()

    def collect(self, timeout_s: float) -> list[Frame]:
        """What the capture has left: the collector of the inference stage."""
        _ = timeout_s
        frame = self._mailbox.take()
        return [] if frame is None else [frame]

    def more(self, most: int) -> list[Frame]:
        """Nothing else: there is one camera."""
        _ = most
        return []

    def give_back(self, frames: Sequence[Frame]) -> None:
        """Nothing waits for it."""

    @property
    def _now_s(self) -> float:
        return (self._reel.at - 1) / FPS

    def _hear(self, event: HealthEvent) -> None:
        self.told.append((self._now_s, event))

    def _offer(self, verdict: Verdict) -> bool:
        transition = self._tracker.observe(verdict)
        if transition is not None and transition.phase == "begin":
            self.begun.append(self._now_s)
        return True


def _views(profile: Profile) -> dict[Regime, View]:
    found = {regime: View.from_arrays(part.arrays) for regime, part in profile.regimes.items()}
    return {regime: view for regime, view in found.items() if view is not None}


def load(source: str, fps: float = FPS) -> list[Pixels]:
    """All frames of a source at the network's size."""
    opened = open_source(parse_source(source), SourceSettings(fps=fps), (256, 256))
    frames = []
    while (sample := opened.read()) is not None:
        frames.append(sample.pixels)
    opened.close()
    return frames


def quiet_starts(frames: Sequence[Pixels], profile: Profile, engine: Engine, count: int) -> list[int]:
    """Evenly spread places to begin a trial at, in whose time no event begins by itself."""
    length = round((LEAD_S + FAULT_S + AFTER_S) * FPS)
    found = []
    wanted = min(3 * count, len(frames) - length)
    for index in range(wanted):
        start = index * (len(frames) - length) // wanted
        camera = Camera(Reel(frames[start : start + length]), profile, engine)
        camera.run()
        if not camera.begun and not camera.told:
            found.append(start)
        if len(found) == count:
            break
    return found


def trials(
    frames: Sequence[Pixels], profile: Profile, engine: Engine, starts: Sequence[int], count: int
) -> list[Trial]:
    """Each kind of fault, `count` times, at the starts in turn."""
    length, first, last = (round(s * FPS) for s in (LEAD_S + FAULT_S + AFTER_S, LEAD_S, LEAD_S + FAULT_S))
    done = []
    for kind, make in FAULTS.items():
        for seed in range(count):
            start = starts[seed % len(starts)]
            camera = Camera(Reel(frames[start : start + length], make(seed), first, last), profile, engine)
            camera.run()
            done.append(_trial(kind, camera, first / FPS))
    return done


def _trial(kind: HealthKind, camera: Camera, began_s: float) -> Trial:
    begun = [(at_s, event.kind) for at_s, event in camera.told if event.phase == "begin"]
    named = [at_s - began_s for at_s, told in begun if told == kind and at_s >= began_s]
    others = tuple(told for _, told in begun if told != kind)
    return Trial(kind, named[0] if named else None, others, sum(at_s >= began_s for at_s in camera.begun))


def enrolled(sources: Sequence[str], out: Path) -> Profile:
    """Enrol as a user would, unless the profile is there from an earlier run."""
    if not out.exists():
        subprocess.run([sys.executable, "-m", "daemon", "enrol", *sources, "--out", str(out)], check=True)
    return Profile.load(out)
