"""A line to a publisher: a socket, and a new one after a while when the publisher did not let this end in."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Final

import zmq

from pipelines.errors import SubscribeError
from pipelines.guard.arm import arm_client
from pipelines.guard.keyfiles import ClientKeys
from pipelines.handshakes import NOT_ALLOWED, Handshakes

MOST_MESSAGE_BYTES: Final = 256 << 20
POLL_S: Final = 0.5
"""Signals are seen at least this often while nothing comes."""

Context = zmq.Context[zmq.Socket[bytes]]


class Line:
    """Owns its sockets and, unless one is given, their context. For one thread."""

    def __init__(  # noqa: PLR0913 - each is one choice
        self,
        endpoint: str,
        topics: Sequence[str],
        *,
        high_water: int,
        keys: ClientKeys | None,
        again_s: float,
        on_refused: Callable[[str], None],
        context: Context | None = None,
    ) -> None:
        """`on_refused` is told, once, why this end waits when it is turned away; it tries again each `again_s`."""
        self.endpoint = endpoint
        self.renewed = 0
        """How many times a new socket has taken the place of one that was turned away."""
        self._topics, self._high_water, self._keys = topics, high_water, keys
        self._again_s, self._on_refused = again_s, on_refused
        self._given = context
        self._context: Context | None = None
        self._socket: zmq.Socket[bytes] | None = None
        self._watch: Handshakes | None = None
        self._again_at = 0.0
        self._told = False

    @property
    def context(self) -> Context:
        """For further sockets to the same daemon; there is one while the line is open."""
        assert self._context is not None
        return self._context

    def open(self) -> None:
        """Connect, which goes on by itself. Raises SubscribeError for an endpoint that is none."""
        self._context = self._given or zmq.Context()
        try:
            self._connect()
        except zmq.ZMQError as error:
            self.close()
            message = f"cannot listen to {self.endpoint}: {error.strerror}: write it like tcp://127.0.0.1:5557"
            raise SubscribeError(message) from error

    @property
    def refused(self) -> bool:
        """Whether the server last turned this end away."""
        return self._told

    def receive(self, deadline: float) -> list[bytes] | None:
        """The next message; None when the deadline (monotonic) passed.

        Raises SubscribeError when one end has keys and the other has none.
        """
        if self._context is None:
            raise SubscribeError("a Subscriber is used in a with statement")
        while True:
            left_s = max(0.0, deadline - time.monotonic())
            if self._socket is None:
                self._wait(min(left_s, POLL_S))
            elif self._socket.poll(math.ceil(min(left_s, POLL_S) * 1000)):
                self._told = False
                return self._socket.recv_multipart()
            elif self._watch is not None and self._watch.turned_away(self.endpoint):
                self._pause()
            if left_s <= POLL_S:
                return None

    def close(self) -> None:
        """Hang up; may be called twice."""
        self._hang_up()
        context, self._context = self._context, None
        if context is not None and self._given is None:
            context.term()

    def _connect(self) -> None:
        socket = self.context.socket(zmq.SUB)
        self._socket = socket
        socket.setsockopt(zmq.RCVHWM, self._high_water)
        socket.setsockopt(zmq.MAXMSGSIZE, MOST_MESSAGE_BYTES)
        arm_client(socket, self._keys)
        for topic in self._topics:
            socket.subscribe(topic)
        self._watch = Handshakes(socket)
        socket.connect(self.endpoint)

    def _pause(self) -> None:
        """Let go of a socket that was turned away."""
        self._hang_up()
        self._again_at = time.monotonic() + self._again_s
        if not self._told:
            self._told = True
            self._on_refused(
                f"{self.endpoint} lets this end not in: {NOT_ALLOWED}; waiting, and trying again every "
                f"{self._again_s:g} s (there: vigil keys list)"
            )

    def _wait(self, most_s: float) -> None:
        """Wait for the time of the next try, or make it."""
        wait_s = self._again_at - time.monotonic()
        if wait_s > 0:
            time.sleep(min(wait_s, most_s))
            return
        self.renewed += 1
        self._connect()

    def _hang_up(self) -> None:
        socket, self._socket = self._socket, None
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()
        elif socket is not None:
            socket.close(linger=0)
