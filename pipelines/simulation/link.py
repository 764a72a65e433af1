"""The way to one client: TCP as it is, or as slow as a bad link makes it."""

from __future__ import annotations

import asyncio
import socket
import struct
import time

_LONGEST_BYTES = 2_000_000
"""A client that has so much unread is sent no more pictures until it has caught up."""
_LONGEST_SLOW_BYTES = 65_536
_LINGER_NOT = struct.pack("ii", 1, 0)


class Link:
    """What is sent over one connection, in order; slow, it gives only what its rate allows. Never waits."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._waiting = bytearray()
        self._counted_s = time.monotonic()

    @property
    def full(self) -> bool:
        """Whether a further picture would come too late."""
        if self._waiting:
            return len(self._waiting) > _LONGEST_SLOW_BYTES
        return self._writer.transport.get_write_buffer_size() > _LONGEST_BYTES

    def send(self, data: bytes, bytes_s: int | None = None) -> None:
        """Send behind what is waiting, and of all that as much as `bytes_s` allows since the last time."""
        now = time.monotonic()
        passed_s, self._counted_s = now - self._counted_s, now
        if self._writer.is_closing():
            return
        self._waiting += data
        count = len(self._waiting) if bytes_s is None else int(bytes_s * min(passed_s, 1.0)) + 1
        self._writer.write(bytes(self._waiting[:count]))
        del self._waiting[:count]

    def cut(self, *, reset: bool) -> None:
        """Close the connection without a word; with `reset` by RST."""
        if reset:
            end = self._writer.get_extra_info("socket")
            if end is not None and end.fileno() >= 0:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._writer.transport.abort()
