"""A publisher on a real socket, stepped by hand, for tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC

import zmq
from prometheus_client import CollectorRegistry

from pipelines.errors import PublishError, SubscribeTimeout
from pipelines.events import EventSettings
from pipelines.metrics import Metrics
from pipelines.publish import PublishedCamera, Publisher, PublishSettings
from pipelines.subscribe import Gap, Subscriber
from pipelines.types import CameraState, CameraStatus
from pipelines.wire import AlertMessage, Message, StatusMessage

Context = zmq.Context[zmq.Socket[bytes]]


@dataclass
class Rig:
    """A publisher, its metrics, and the context that every socket of a test is made in."""

    context: Context
    registry: CollectorRegistry
    metrics: Metrics
    publisher: Publisher
    gaps: list[Gap] = field(default_factory=list)

    def camera(self, name: str, profile: str = "profile-1", events: EventSettings | None = None) -> PublishedCamera:
        return PublishedCamera(
            name=name,
            profile_id=profile,
            model_id="0123456789ab",
            metrics=self.metrics.camera(name),
            events=events or EventSettings(),
        )

    def sample(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    @contextmanager
    def subscriber(self, camera: str | None = None) -> Iterator[Subscriber]:
        """A subscriber that the publisher already knows of."""
        subscriber = Subscriber(self.publisher.endpoint, camera, on_gap=self.gaps.append, context=self.context)
        with subscriber:
            self.until(subscriber, lambda message: isinstance(message, StatusMessage))
            yield subscriber

    @contextmanager
    def plain_socket(self, high_water: int = 1000) -> Iterator[zmq.Socket[bytes]]:
        """A bare SUB socket that the publisher already knows of."""
        with self.context.socket(zmq.SUB) as plain:
            plain.setsockopt(zmq.RCVHWM, high_water)
            for topic in (b"alert.", b"status."):
                plain.subscribe(topic)
            plain.connect(self.publisher.endpoint)
            while not plain.poll(20):
                self.publisher.step()
            yield plain

    def until(self, subscriber: Subscriber, wanted: Callable[[Message], bool], limit_s: float = 20) -> list[Message]:
        """Step and receive until a wanted message has come; returns all that came."""
        seen: list[Message] = []
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            self.publisher.step()
            new = drain(subscriber)
            seen += new
            if any(wanted(message) for message in new):
                return seen
        raise AssertionError(f"nothing wanted among {seen}")

    def alerts(self, subscriber: Subscriber, count: int) -> list[AlertMessage]:
        """Step until so many alerts have come."""
        seen: list[Message] = []
        while len(found := only_alerts(seen)) < count:
            seen += self.until(subscriber, lambda message: isinstance(message, AlertMessage))
        return found


@contextmanager
def rig(
    settings: PublishSettings | None = None, cameras: Sequence[str] = ("yard",), boot_id: str = "boot1"
) -> Iterator[Rig]:
    """An open publisher; fails if a socket is left open."""
    context, registry = zmq.Context(), CollectorRegistry()
    metrics = Metrics(registry)
    chosen = settings or PublishSettings(endpoint="tcp://127.0.0.1:*", heartbeat_s=60)
    publisher = Publisher(chosen, metrics, boot_id=boot_id, zone=UTC, context=context)
    made = Rig(context, registry, metrics, publisher)
    for name in cameras:
        publisher.add(made.camera(name))
    _open(publisher)
    try:
        yield made
    finally:
        publisher.close()
        context.term()  # waits for ever for a socket that somebody forgot: the test's time-out tells


def _open(publisher: Publisher, patience_s: float = 5) -> None:
    """Open; a port that another publisher has just left is free only when ZeroMQ's own thread has closed it."""
    end = time.monotonic() + patience_s
    while True:
        try:
            return publisher.open()
        except PublishError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def drain(subscriber: Subscriber, patience_s: float = 0.02) -> list[Message]:
    """Whatever has arrived."""
    messages: list[Message] = []
    while (message := _receive(subscriber, patience_s)) is not None:
        messages.append(message)
    return messages


def only_alerts(messages: Sequence[Message]) -> list[AlertMessage]:
    return [message for message in messages if isinstance(message, AlertMessage)]


def only_statuses(messages: Sequence[Message]) -> list[StatusMessage]:
    return [message for message in messages if isinstance(message, StatusMessage)]


def status(camera: str, state: CameraState, reason: str = "", reconnects: int = 0) -> CameraStatus:
    return CameraStatus(
        camera=camera,
        state=state,
        reason=reason,
        since_wall_s=time.time(),
        last_frame_wall_s=None,
        reconnects=reconnects,
        score=None,
        threshold=None,
    )


def _receive(subscriber: Subscriber, patience_s: float) -> Message | None:
    try:
        return subscriber.receive(patience_s)
    except SubscribeTimeout:
        return None
