"""Captures on threads of their own, over real RTSP."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from pipelines.apart.reading import GRACE_S, ApartSource, Reader
from pipelines.capture import Capture
from pipelines.door import Door
from pipelines.mailbox import Mailbox
from pipelines.metrics import Metrics
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.sources.source import Source
from pipelines.sources.spec import parse_source
from pipelines.types import CameraStatus, Frame

RETURN_S = 5.0


class Camera:
    """A capture on a thread of its own, and what came of it."""

    def __init__(self, url: str, reader: Reader | None = None, grace_s: float = GRACE_S, **settings: object) -> None:
        """Read by a thread of its own, or by a reader."""
        self.frames: list[Frame] = []
        self.states: list[CameraStatus] = []
        self.registry = CollectorRegistry()
        self.longest_step_s = 0.0
        self._stop = threading.Event()
        self._mailbox = Mailbox("gate", threading.Condition())
        how = SourceSettings(fps=5.0, **settings)  # type: ignore[arg-type]
        self.capture = Capture(
            "gate",
            lambda: source_of(url, how, reader, Door(1), grace_s),
            self._mailbox,
            Metrics(self.registry).camera("gate"),
            self.states.append,
            stop=self._stop,
        )
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Camera:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        self.capture.open()
        while not self._stop.is_set():
            began = time.monotonic()
            self.capture.step()
            self.longest_step_s = max(self.longest_step_s, time.monotonic() - began)
            if (frame := self._mailbox.take()) is not None:
                self.frames.append(frame)
        self.capture.close()

    def value(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"vigil_{name}", {"camera": "gate", **labels}) or 0.0

    def wait_for(self, state: str, limit_s: float = RETURN_S) -> float:
        return wait(lambda: self.capture.status.state == state, limit_s)

    def wait_for_frames(self, more: int, limit_s: float = RETURN_S) -> float:
        enough = len(self.frames) + more
        return wait(lambda: len(self.frames) >= enough, limit_s)


def source_of(
    url: str, settings: SourceSettings, reader: Reader | None, door: Door, grace_s: float = GRACE_S
) -> Source:
    """A source of small frames, read here or apart."""
    spec = parse_source(url)
    if reader is not None:
        return ApartSource(reader, spec, settings, (48, 64), door, grace_s=grace_s)
    return open_source(spec, settings, (48, 64), door.admits)


def wait(until: Callable[[], bool], limit_s: float) -> float:
    """Seconds until something is so."""
    began = time.monotonic()
    while not until():
        assert time.monotonic() - began < limit_s, f"not within {limit_s} s"
        time.sleep(0.01)
    return time.monotonic() - began
