"""A guard on a thread of its own, an outlet that it minds, and clients of every kind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import zmq
from prometheus_client import CollectorRegistry

from daemon.worker import Worker
from pipelines.guard.allowlist import ALLOWED, REVOKED, AllowList
from pipelines.guard.arm import arm_client
from pipelines.guard.guard import Guard
from pipelines.guard.keyfiles import ClientKeys, KeyPair, make_pair
from pipelines.guard.lobby import Bounds
from pipelines.metrics import Metrics
from pipelines.outlet import LISTENER, Outlet

PATIENCE_S = 20.0
Context = zmq.Context[zmq.Socket[bytes]]


class KeyFolder:
    """A folder of keys, and the secrets of those who have one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in (ALLOWED, REVOKED):
            (folder / part).mkdir()
        self.server = make_pair(folder / "server.key_secret")

    def make(self, name: str, part: str = ALLOWED) -> KeyPair:
        pair = make_pair(self.folder / f"{name}.key_secret")
        (self.folder / f"{name}.key").rename(self.folder / part / f"{name}.key")
        return pair

    def revoke(self, name: str) -> None:
        (self.folder / ALLOWED / f"{name}.key").rename(self.folder / REVOKED / f"{name}.key")


@dataclass
class Minded:
    """An outlet that is stepped by the test, and the guard beside it."""

    outlet: Outlet
    endpoint: str
    registry: CollectorRegistry
    clients: Context
    keys: KeyFolder | None
    guard: Guard
    sent: int = 0
    kept: list[zmq.Socket[bytes]] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.endpoint.rpartition(":")[2])

    def subscriber(self, pair: KeyPair | None = None, server: KeyPair | None = None) -> zmq.Socket[bytes]:
        socket = self.clients.socket(zmq.SUB)
        if pair is not None and self.keys is not None:
            arm_client(socket, ClientKeys(pair, (server or self.keys.server).public))
        socket.subscribe(b"")
        socket.connect(self.endpoint)
        self.kept.append(socket)
        return socket

    def publish(self) -> None:
        """One message to whoever listens, and a look at requests, as the publisher's step does."""
        self.outlet.newcomers("alert.")
        self.sent += 1
        self.outlet.send([b"alert.yard", str(self.sent).encode()])

    def until(self, done: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
        """Publish until it is so."""
        end = time.monotonic() + within_s
        while not done():
            assert time.monotonic() < end, "what was waited for did not come"
            self.publish()
            time.sleep(0.005)

    def hears(self, socket: zmq.Socket[bytes]) -> None:
        """Publish until the subscriber gets something that was sent from now on."""
        first = self.sent + 1

        def heard() -> bool:
            while socket.poll(0):
                if int(socket.recv_multipart()[1]) >= first:
                    return True
            return False

        self.until(heard)

    def refused(self, reason: str) -> float:
        labels = {"listener": LISTENER, "reason": reason}
        return self.registry.get_sample_value("vigil_refused_total", labels) or 0.0

    def connections(self) -> float:
        return self.registry.get_sample_value("vigil_connections", {"listener": LISTENER}) or 0.0


@contextmanager
def minded(keys: KeyFolder | None = None, bounds: Bounds | None = None) -> Iterator[Minded]:
    registry = CollectorRegistry()
    allow = None if keys is None else AllowList(keys.folder)
    guard = Guard(Metrics(registry), {LISTENER: bounds or Bounds()}, None if keys is None else keys.server, allow)
    worker = Worker(guard, guard.name)
    worker.start()
    end = time.monotonic() + PATIENCE_S
    while not worker.opened:
        assert worker.alive
        assert time.monotonic() < end
        time.sleep(0.005)
    outlet, clients = Outlet(high_water=100, linger_ms=100, context=guard), zmq.Context()
    clients.linger = 0
    try:
        yield Minded(outlet, outlet.open("tcp://127.0.0.1:*"), registry, clients, keys, guard)
    finally:
        clients.destroy(linger=0)
        outlet.close()
        worker.stop()
        assert worker.join(PATIENCE_S)
        assert worker.error is None
