"""A publisher with its journal and replay, each on a thread of its own as in the daemon."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

import zmq
from prometheus_client import CollectorRegistry

from daemon.worker import Worker
from pipelines.errors import SubscribeTimeout
from pipelines.events import EventSettings
from pipelines.journal.journal import Journal
from pipelines.journal.news import Archive
from pipelines.journal.settings import JournalSettings
from pipelines.metrics import Metrics
from pipelines.publish import PublishedCamera, Publisher, PublishSettings
from pipelines.replay import Replay, ReplaySettings
from pipelines.stage import Stage
from pipelines.subscribe import Gap, Subscriber
from pipelines.wire import AlertMessage
from tests.daemon.sites import free_port
from tests.pipelines.verdicts import Camera

Label = tuple[str, int]


@dataclass
class Site:
    """Addresses that outlive a run."""

    folder: Path
    publish: str = field(default_factory=lambda: f"tcp://127.0.0.1:{free_port()}")
    replay: str = field(default_factory=lambda: f"tcp://127.0.0.1:{free_port()}")
    gaps: list[Gap] = field(default_factory=list)

    @contextmanager
    def subscriber(self, **more: object) -> Iterator[Subscriber]:
        with Subscriber(self.publish, on_gap=self.gaps.append, **more) as made:  # type: ignore[arg-type]
            yield made


@dataclass
class Run:
    """One run of the daemon's downstream half."""

    publisher: Publisher
    journal: Journal
    registry: CollectorRegistry
    workers: dict[str, Worker]
    cameras: dict[str, Camera]

    def raise_alerts(self, count: int, camera: str = "yard") -> None:
        """Each one a step of one event that goes on."""
        for _ in range(count):
            self.publisher.offer(self.cameras[camera].verdict(5.0))

    def sample(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0

    def published(self) -> int:
        """Alerts sent so far."""
        return round(
            sum(
                self.sample("vigil_alerts_published_total", camera=camera, phase=phase)
                for camera in self.cameras
                for phase in ("begin", "update", "end")
            )
        )


@contextmanager
def run(
    site: Site,
    boot_id: str = "boot1",
    *,
    cameras: tuple[str, ...] = ("yard",),
    journal: JournalSettings | None = None,
    kill: bool = False,
    high_water: int = 100,
    size: tuple[int, int] = (64, 48),
) -> Iterator[Run]:
    """With `kill`, no farewell is said: open events stay open, as when the process is killed."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    keeps = Journal(journal or JournalSettings(), site.folder, metrics, boot_id=boot_id)
    replay = Replay(ReplaySettings(endpoint=site.replay), site.folder, metrics.replay)
    settings = PublishSettings(endpoint=site.publish, heartbeat_s=0.3, queue=5000, high_water=high_water)
    publisher = Publisher(settings, metrics, boot_id=boot_id, zone=UTC, archive=Archive(keeps, lambda: replay.endpoint))
    often = EventSettings(update_s=0.01, update_growth=1)
    for name in cameras:
        publisher.add(
            PublishedCamera(name=name, profile_id="p", model_id="m", metrics=metrics.camera(name), events=often)
        )
    stages: dict[str, Stage] = {"journal": keeps, "replay": replay, "publish": publisher}
    workers = {name: Worker(stage, name) for name, stage in stages.items()}
    for worker in workers.values():
        worker.start()
    for worker in workers.values():
        wait_until(lambda worker=worker: worker.opened)  # type: ignore[misc]
    made = Run(publisher, keeps, registry, workers, {name: Camera(name=name, size=size) for name in cameras})
    try:
        yield made
    finally:
        if kill:
            for desk in publisher._desks.seated():
                desk.tracker._event = None
        for worker in workers.values():
            worker.stop()
        for worker in workers.values():
            assert worker.join(10)
            assert worker.error is None, worker.error


def wait_until(condition: Callable[[], bool], limit_s: float = 30) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.01)


def hear(subscriber: Subscriber, until: Callable[[list[Label]], bool], limit_s: float = 40) -> list[Label]:
    """Run and number of every alert, until there are those wanted."""
    heard: list[Label] = []
    end = time.monotonic() + limit_s
    while not until(heard):
        assert time.monotonic() < end, f"heard only {heard}"
        try:
            message = subscriber.receive(0.5)
        except SubscribeTimeout:
            continue
        if isinstance(message, AlertMessage):
            heard.append((message.header.boot_id, message.header.seq))
    return heard


def dealer(context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> zmq.Socket[bytes]:
    """A plain socket, as a stranger would use."""
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.RCVTIMEO, 20_000)
    socket.connect(endpoint)
    return socket
