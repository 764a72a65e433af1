"""One connection to a ZeroMQ socket, seen from beside it: who it is, what it has sent, and how it is cut off."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from dataclasses import dataclass

HASTY = "an address that hung up before it could be read"

_BYTES_RECEIVED = struct.Struct("=128xQ")
"""`tcpi_bytes_received` of `struct tcp_info` (Linux)."""
_CREDENTIALS = struct.Struct("3i")
_MAPPED = "::ffff:"


@dataclass(slots=True, eq=False)
class Guest:
    """A connection. `link` is a second descriptor of its socket, so it outlives ZeroMQ's and can end the connection."""

    who: str
    """Its address without the port."""
    since: float
    link: socket.socket | None
    user: str = ""
    """The name and key that it was let in by."""
    settled: bool = False
    """It has asked for something, which takes a completed handshake."""
    requests: int = 0
    allowance: float = 0.0
    received: int = 0
    cut: bool = False

    def left(self) -> bool | None:
        """Whether the other end hung up, now that ZeroMQ has closed its own: if not, it was ZeroMQ that cut it off.

        None where that cannot be known.
        """
        if self.link is None:
            return None
        try:
            return not self.link.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def newly_received(self) -> int:
        """Bytes that have come over TCP since the last call."""
        if self.link is None or self.link.family == socket.AF_UNIX:
            return 0
        try:
            info = self.link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_RECEIVED.size)
            (received,) = _BYTES_RECEIVED.unpack(info)
        except (OSError, struct.error):  # it is gone; the kernel is older than that field
            return 0
        before, self.received = self.received, int(received)
        return self.received - before

    def cut_off(self) -> None:
        """End the connection; ZeroMQ sees the other end leave."""
        self.cut = True
        if self.link is not None:
            with contextlib.suppress(OSError):  # it left by itself
                self.link.shutdown(socket.SHUT_RDWR)

    def let_go(self) -> None:
        """Release the descriptor."""
        if self.link is not None:
            self.link.close()
            self.link = None


def meet(fd: int, local: str, now: float, allowance: float) -> Guest:
    """The guest whose connection ZeroMQ holds as `fd`, accepted at `local` (such as ``tcp://127.0.0.1:5557``).

    ZeroMQ tells afterwards: by then the descriptor may be closed, or another's. Hence the look at the local address.
    """
    link = _second(fd)
    try:
        if link is not None and _is_at(link, local):
            return Guest(_who(link), now, link, allowance=allowance)
    except OSError:
        pass
    if link is not None:
        link.close()
    return Guest(HASTY, now, None)


def _second(fd: int) -> socket.socket | None:
    try:
        second = os.dup(fd)
    except OSError:
        return None
    try:
        return socket.socket(fileno=second)
    except OSError:
        os.close(second)
        return None


def _is_at(link: socket.socket, local: str) -> bool:
    name = link.getsockname()
    if link.family == socket.AF_UNIX:
        return bool(local == f"ipc://{name}")
    return local.rpartition(":")[2] == str(name[1])


def _who(link: socket.socket) -> str:
    if link.family == socket.AF_UNIX:
        raw = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, uid, _ = _CREDENTIALS.unpack(raw)
        return f"process {pid} of user {uid}"
    return str(link.getpeername()[0]).removeprefix(_MAPPED)
