"""Faults of a camera over real RTSP, from the stand-in camera to what is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

import pytest
from prometheus_client import CollectorRegistry

from pipelines.capture import Capture
from pipelines.health.monitor import Monitor
from pipelines.mailbox import Mailbox
from pipelines.metrics import Metrics
from pipelines.simulation.faults import Faults
from pipelines.simulation.rtsp import RtspServer
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.sources.spec import parse_source
from pipelines.types import CameraStatus, Frame, HealthEvent
from tests.footage import walkers, write_clip
from tests.pipelines.health.watched import usual

PATIENCE_S = 30.0
"""For a busy machine; `python -m benchmarks.health` measures how quick it is on a quiet one."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtspServer]:
    clip = write_clip(tmp_path_factory.mktemp("health") / "walkers.mp4", islice(walkers(8), 80))
    with RtspServer({"gate": clip}) as server:
        server.prepare("gate", "resized")
        yield server


@dataclass
class Camera:
    """A capture and its monitor on a thread of their own."""

    told: list[HealthEvent] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    statuses: list[CameraStatus] = field(default_factory=list)

    def await_that(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < deadline, self.told
            time.sleep(0.02)

    def await_fault(self, kind: str, phase: str) -> HealthEvent:
        found: list[HealthEvent] = []

        def seen() -> bool:
            found[:] = [event for event in self.told if (event.kind, event.phase) == (kind, phase)]
            return bool(found)

        self.await_that(seen)
        return found[-1]


@contextmanager
def watching(server: RtspServer) -> Iterator[Camera]:
    camera, stop = Camera(), threading.Event()
    series = Metrics(CollectorRegistry()).camera("gate")
    mailbox = Mailbox("gate", threading.Condition())
    settings = SourceSettings(fps=5.0, read_timeout_s=1.0)
    spec = parse_source(server.url("gate"))
    capture = Capture(
        "gate",
        lambda: open_source(spec, settings, (256, 256)),
        mailbox,
        series,
        camera.statuses.append,
        stop=stop,
        health=Monitor("gate", series, camera.told.append, views={"day": usual()}),
    )

    def run() -> None:
        capture.open()
        while not stop.is_set():
            capture.step()
            if (frame := mailbox.take()) is not None:
                camera.frames.append(frame)
        capture.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        camera.await_that(lambda: len(camera.frames) > 5)
        yield camera
    finally:
        stop.set()
        thread.join()
        server.restore("gate")


@pytest.mark.parametrize(
    ("kind", "faults"),
    [
        ("frozen", Faults(look="frozen")),
        ("format", Faults(look="resized")),
        ("stalled", Faults(stalled=True)),
        ("corrupt", Faults(corrupt=0.1)),
    ],
)
def test_a_fault_of_a_real_stream_begins_and_ends(server: RtspServer, kind: str, faults: Faults) -> None:
    with watching(server) as camera:
        assert camera.told == []
        server.fault("gate", faults)
        begin = camera.await_fault(kind, "begin")
        assert begin.cause
        camera.await_that(lambda: kind in camera.statuses[-1].health)
        server.restore("gate")
        assert camera.await_fault(kind, "end").number == begin.number
        camera.await_that(lambda: camera.statuses[-1].health == ())
        camera.await_that(lambda: camera.frames[-1].unfit is None)


def test_a_camera_that_hangs_up_is_lost_until_it_returns(server: RtspServer) -> None:
    with watching(server) as camera:
        server.refuse("gate")
        server.drop("gate")
        begin = camera.await_fault("lost", "begin")
        assert begin.judged is False
        server.restore("gate")
        camera.await_fault("lost", "end")
        assert {event.kind for event in camera.told} == {"lost"}


def test_time_stamps_that_jump_are_told(server: RtspServer) -> None:
    with watching(server) as camera:
        camera.await_that(lambda: len(camera.frames) > 10)
        server.jump("gate", -20.0)
        assert "time stamps" in camera.await_fault("clock", "begin").cause
        assert camera.frames[-1].unfit is None
