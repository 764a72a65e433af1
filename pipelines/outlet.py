"""The publisher's ZeroMQ socket."""

from __future__ import annotations

import errno
from collections.abc import Sequence

import zmq

from engines.quoting import shortened
from pipelines.errors import PublishError
from pipelines.guard.arm import arm_server
from pipelines.guard.guard import Guard
from pipelines.guard.lobby import Bounds

LISTENER = "publish"
"""What the guard calls this socket."""
_MOST_REQUESTS = 256
"""Requests looked at in one go, so that a noisy subscriber cannot hold up alerts."""
_HINTS = {
    errno.EADDRINUSE: "the address is in use: stop the program that holds it, or publish on another port",
    errno.EADDRNOTAVAIL: "this machine has no such address: use one of its own, 127.0.0.1, or * for all",
    errno.ENODEV: "this machine has no such address or interface: use one of its own, 127.0.0.1, or * for all",
    errno.EACCES: "permission denied: use a port from 1024 up, or a folder that Vigil may write to",
    errno.ENOENT: "the folder does not exist: make it, or publish elsewhere",
}


class Outlet:
    """An XPUB socket that never waits: a subscriber that does not keep up loses messages, and nobody else notices.

    XPUB rather than PUB, since it tells when somebody subscribes. Belongs to the thread that calls `open`; all calls
    raise PublishError.
    """

    def __init__(
        self,
        *,
        high_water: int,
        linger_ms: int,
        context: zmq.Context[zmq.Socket[bytes]] | Guard | None = None,
    ) -> None:
        """Keep at most `high_water` messages for each subscriber, and try for `linger_ms` to send them on closing.

        A guard, which is open before, has a context and minds who subscribes and what they send. Without any `context`
        the outlet makes, and in the end closes, one of its own.
        """
        self._high_water = high_water
        self._linger_ms = linger_ms
        self._guard = context if isinstance(context, Guard) else None
        self._given = context
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._socket: zmq.Socket[bytes] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the socket is bound."""
        return self._socket is not None

    def open(self, endpoint: str) -> str:
        """Bind; returns the endpoint with the port that a wildcard became."""
        given = self._given.context if isinstance(self._given, Guard) else self._given
        self._context = given or zmq.Context()
        socket = self._context.socket(zmq.XPUB)
        try:
            socket.setsockopt(zmq.XPUB_VERBOSE, 1)
            socket.setsockopt(zmq.SNDHWM, self._high_water)
            socket.setsockopt(zmq.LINGER, self._linger_ms)
            if self._guard is None:
                arm_server(socket, None, most_bytes=Bounds().message_bytes)
            else:
                self._guard.arm(socket, LISTENER)
            socket.bind(endpoint)
        except zmq.ZMQError as error:
            socket.close(linger=0)
            self._release()
            hint = _HINTS.get(error.errno or 0, f"{error.strerror}: write it like tcp://127.0.0.1:5557")
            raise PublishError(f"cannot publish on {shortened(endpoint)}: {hint}") from error
        self._socket = socket
        return socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def send(self, parts: Sequence[bytes]) -> None:
        """Hand a multipart message to the socket, without waiting."""
        if self._socket is None:
            raise PublishError("nothing can be sent before the socket is open or after it is closed")
        try:
            self._socket.send_multipart(parts, zmq.NOBLOCK)
        except zmq.ZMQError as error:
            raise PublishError(f"cannot send on the socket: {error.strerror}") from error

    def newcomers(self, topic: str) -> bool:
        """Whether somebody has subscribed since the last call to what begins with, or belongs under, a topic.

        Call it often: until its requests are looked at, the guard does not know a subscriber from who only connected.
        """
        asked = [request[1:] for request in self._requests() if request[:1] == b"\x01"]
        wanted = topic.encode()
        return any(prefix.startswith(wanted) or wanted.startswith(prefix) for prefix in asked)

    def close(self) -> None:
        """Release the socket; may be called twice."""
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.close()
        self._release()

    def _requests(self) -> list[bytes]:
        requests: list[bytes] = []
        while self._socket is not None and len(requests) < _MOST_REQUESTS:
            try:
                frame = self._socket.recv(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                break
            requests.append(frame.bytes)
            if self._guard is not None:
                self._guard.heard(LISTENER, frame)
        return requests

    def _release(self) -> None:
        context, self._context = self._context, None
        if context is not None and self._given is None:
            context.term()
