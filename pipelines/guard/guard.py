"""The stage that minds who connects to the ZeroMQ sockets: answers for the allow-list, and watches each connection."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Mapping

import zmq

from pipelines.errors import PublishError
from pipelines.guard.allowlist import AllowList
from pipelines.guard.arm import arm_server
from pipelines.guard.keyfiles import KeyPair
from pipelines.guard.lobby import EVENTS, Bounds, Lobby
from pipelines.guard.refusals import Refusals
from pipelines.guard.zap import ENDPOINT, Question, read_question, turn_away, welcome
from pipelines.metrics import Metrics

_log = logging.getLogger("vigil.guard")

_WAIT_MS = 100
_TICK_S = 0.1
_RELOAD_S = 0.5
_MOST_AT_ONCE = 1000
"""Messages read of one socket in a step."""
_FAREWELL_S = 3.0


class Guard:
    """Owns the ZeroMQ context of the sockets that listen, the allow-list, and the monitors.

    A thread of its own, so that neither a flood of handshakes nor one of requests holds up who publishes. `arm` and
    `heard` are called by the threads that own the sockets; everything else belongs to the thread that steps the stage.
    """

    name = "guard"

    def __init__(
        self,
        metrics: Metrics,
        bounds: Mapping[str, Bounds],
        keys: KeyPair | None = None,
        allow: AllowList | None = None,
    ) -> None:
        """Mind the listening sockets named in `bounds`. Without `keys` whoever reaches them is let in.

        With `keys` but without the list `allow`, nobody is.
        """
        self._keys = keys
        self._allow = allow
        self._bounds = dict(bounds)
        self._refusals = {name: Refusals.of(metrics, name) for name in bounds}
        self._lobbies = {
            name: Lobby(
                bounds[name], self._refusals[name], metrics.connections.labels(name).set, keyed=keys is not None
            )
            for name in bounds
        }
        self._monitors: dict[str, zmq.Socket[bytes]] = {}
        self._questions: zmq.Socket[bytes] | None = None
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._heard: deque[tuple[str, int, str]] = deque(maxlen=100_000)
        self._numbers = itertools.count()
        self._armed: deque[tuple[str, str, threading.Event]] = deque()
        self._poller = zmq.Poller()
        self._ticked = self._reloaded = 0.0

    @property
    def context(self) -> zmq.Context[zmq.Socket[bytes]]:
        """Where the sockets are to be made; lives from `open` until all of them are closed."""
        if self._context is None:
            raise PublishError("the guard opens before the sockets that it minds")
        return self._context

    def arm(self, socket: zmq.Socket[bytes], listener: str) -> None:
        """Set up a socket, by the thread that owns it and before it is bound, to be minded as `listener`."""
        arm_server(socket, self._keys, most_bytes=self._bounds[listener].message_bytes, domain=listener)
        # A name of its own each time: that of a former socket may not be free yet.
        address = f"inproc://vigil.guard.{listener}.{next(self._numbers)}"
        awaited = threading.Event()
        self._armed.append((listener, address, awaited))
        if not awaited.wait(_FAREWELL_S):
            raise PublishError(f"the guard does not answer for {listener}")
        socket.monitor(address, EVENTS)

    def heard(self, listener: str, frame: zmq.Frame) -> None:
        """Tell of a request, so that the guard knows whose connection it came by; for the socket's owner to call."""
        try:
            user = str(frame.get("User-Id")) if self._keys is not None else ""
            self._heard.append((listener, int(frame.get(zmq.SRCFD)), user))
        except zmq.ZMQError:
            pass  # ZeroMQ's own words: that a subscriber has left

    def open(self) -> None:
        """Be there before the sockets: ZeroMQ blocks on a monitor that nobody reads."""
        self._context = zmq.Context()
        self._questions = self._context.socket(zmq.REP)
        self._questions.setsockopt(zmq.LINGER, 0)
        self._questions.bind(ENDPOINT)
        self._poller.register(self._questions, zmq.POLLIN)
        self._reload()
        if self._keys is not None:
            _log.info("connections need a key; %d may connect", self._allowed)

    def step(self) -> bool:
        """Wait a tenth of a second at most, then see to all that has happened."""
        while self._armed:
            listener, address, awaited = self._armed.popleft()
            self._await_monitor(listener, address)
            awaited.set()
        ready = dict(self._poller.poll(_WAIT_MS))
        if self._questions in ready:
            self._answer()
        for listener, monitor in tuple(self._monitors.items()):
            if monitor in ready and not self._watch(self._lobbies[listener], monitor):
                self._forget_monitor(listener)
        self._listen()
        now = time.monotonic()
        if now - self._ticked >= _TICK_S:
            self._ticked = now
            self._tick(now)
        return True

    def close(self) -> None:
        """Go last: a socket whose monitor is gone would wait for it for ever."""
        deadline = time.monotonic() + _FAREWELL_S
        while any(lobby.listening for lobby in self._lobbies.values()) and time.monotonic() < deadline:
            self.step()
        for lobby in self._lobbies.values():
            lobby.close()
        for socket in (*self._monitors.values(), self._questions):
            if socket is not None:
                socket.close(linger=0)
        context, self._context = self._context, None
        if context is not None:
            context.term()

    def _answer(self) -> None:
        assert self._questions is not None
        for _ in range(_MOST_AT_ONCE):
            try:
                frames = self._questions.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            self._questions.send_multipart(self._decide(frames))

    def _decide(self, frames: list[bytes]) -> list[bytes]:
        question = read_question(frames)
        if question is None or question.domain not in self._refusals:
            _log.error("ZeroMQ asked about a newcomer in a way that is not understood; it is not let in")
            return turn_away(frames[1] if len(frames) > 1 else b"", "not understood")
        key = question.key
        name = None if key is None or self._allow is None else self._allow.allows(key)
        if key is None or name is None:
            self._refuse(question, key)
            return turn_away(question.id, "this key may not connect")
        _log.debug("%s connects from %s", name, question.address)
        return welcome(question, f"{name} {key.decode()}")

    def _refuse(self, question: Question, key: bytes | None) -> None:
        refusals = self._refusals[question.domain]
        revoked = None if key is None or self._allow is None else self._allow.revoked(key)
        if key is None:
            refusals.note("no_key", question.address, "it shows no key")
        elif revoked is not None:
            refusals.note("revoked_key", question.address, f"its key, {revoked}, is revoked")
        else:
            refusals.note("unknown_key", question.address, f"its key {key.decode()} is not among those allowed")

    def _await_monitor(self, listener: str, address: str) -> None:
        """Listen to the monitor of a socket; ZeroMQ blocks on one that nobody reads."""
        self._forget_monitor(listener)
        monitor = self.context.socket(zmq.PAIR)
        monitor.setsockopt(zmq.RCVHWM, 0)
        monitor.connect(address)
        self._monitors[listener] = monitor
        self._poller.register(monitor, zmq.POLLIN)

    def _forget_monitor(self, listener: str) -> None:
        former = self._monitors.pop(listener, None)
        if former is not None:
            self._poller.unregister(former)
            former.close(linger=0)

    @staticmethod
    def _watch(lobby: Lobby, monitor: zmq.Socket[bytes]) -> bool:
        """Read what it tells; False when it has told its last."""
        for _ in range(_MOST_AT_ONCE):
            try:
                if not lobby.see(monitor.recv_multipart(zmq.NOBLOCK)):
                    return False
            except zmq.Again:
                break
        return True

    def _listen(self) -> None:
        for _ in range(len(self._heard)):
            listener, fd, user = self._heard.popleft()
            self._lobbies[listener].heard(fd, user)
            if self._keys is not None and not self._may_stay(user):
                self._expel()

    def _tick(self, now: float) -> None:
        for lobby in self._lobbies.values():
            lobby.tick()
        for refusals in self._refusals.values():
            refusals.tell()
        if now - self._reloaded >= _RELOAD_S:
            self._reloaded = now
            if self._reload():
                _log.info("the keys have changed; %d may connect", self._allowed)
                self._expel()

    def _expel(self) -> None:
        for listener, lobby in self._lobbies.items():
            for user in lobby.expel(self._may_stay):
                name, _, _ = user.partition(" ")
                self._refusals[listener].note("revoked_key", f"the holder of key {name}", "cut off, its key is revoked")

    def _may_stay(self, user: str) -> bool:
        name, _, key = user.partition(" ")
        return self._allow is not None and bool(name) and self._allow.allows(key.encode()) == name

    def _reload(self) -> bool:
        return self._allow is not None and self._allow.reload()

    @property
    def _allowed(self) -> int:
        return 0 if self._allow is None else len(self._allow.names)
