"""A connection between the daemon and a helper process: whole messages, in order, both ways."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import HelperError, HelperSilent

Part: TypeAlias = "bytes | memoryview"
"""An array is sent as it lies (``array.data``), and has to be contiguous."""
Received: TypeAlias = list[NDArray[np.uint8]]
"""The parts of a message, uint8 [n] each, which nobody else holds."""

_COUNT: Final = struct.Struct("<I")
_LENGTH: Final = struct.Struct("<Q")
_MOST_PARTS: Final = 1024
_MOST_BYTES: Final = 1 << 29
"""Of a message. A picture has some hundred megabytes at the most."""
_FILES: Final = 4


class Channel:
    """One end. One thread at a time may use it. Whatever goes wrong closes it, and raises `HelperError`."""

    def __init__(self, connected: socket.socket) -> None:
        """Take over one end of a pair of stream sockets."""
        self._socket = connected
        self._deadline: float | None = None

    @classmethod
    def pair(cls) -> tuple[Channel, socket.socket]:
        """One end to keep, and the other to hand to a helper; raises `HelperError` when there is no room for more."""
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise HelperError(f"no connection to a helper process: {error.strerror}") from None
        return cls(ours), theirs

    def send(self, *parts: Part, files: Sequence[int] = (), timeout_s: float | None = None) -> None:
        """Send a message, and with it open files by their descriptors."""
        lengths = [len(part) if isinstance(part, bytes) else part.nbytes for part in parts]
        head = _COUNT.pack(len(parts)) + b"".join(map(_LENGTH.pack, lengths))
        try:
            self._socket.settimeout(timeout_s)
            if files:
                socket.send_fds(self._socket, [head], files)
            else:
                self._socket.sendall(head)
            for part in parts:
                self._socket.sendall(part)
        except OSError as error:
            raise self._broken(error) from None

    def receive(self, timeout_s: float | None = None) -> Received:
        """The next message; raises `HelperError` when the other end has hung up, or it is not there in time."""
        received, files = self.receive_with_files(timeout_s)
        for file in files:  # nobody asked for them
            os.close(file)
        return received

    def receive_with_files(self, timeout_s: float | None = None) -> tuple[Received, list[int]]:
        """The next message and the files that came with it."""
        try:
            self._socket.settimeout(timeout_s)
            self._deadline = None if timeout_s is None else time.monotonic() + timeout_s
            head, files, _, _ = socket.recv_fds(self._socket, _COUNT.size, _FILES)
            (count,) = _COUNT.unpack(head + bytes(self._exactly(_COUNT.size - len(head))))
            lengths = self._lengths(count)
            return [self._exactly(length) for length in lengths], files
        except (OSError, EOFError, ValueError) as error:
            raise self._broken(error) from None

    def hang_up(self) -> None:
        """Let both ends know that it is over, also whoever waits for a message; for any thread. Closes nothing."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up; may be called twice."""
        self._socket.close()

    def _lengths(self, count: int) -> list[int]:
        if count > _MOST_PARTS:
            raise ValueError
        lengths = [length for (length,) in _LENGTH.iter_unpack(bytes(self._exactly(count * _LENGTH.size)))]
        if sum(lengths) > _MOST_BYTES:
            raise ValueError
        return lengths

    def _exactly(self, length: int) -> NDArray[np.uint8]:
        filled = np.empty(length, np.uint8)
        left = filled.data
        while left:
            came = self._socket.recv_into(left)
            if not came:
                raise EOFError
            left = left[came:]
            if self._deadline is not None and time.monotonic() > self._deadline:
                raise TimeoutError  # a bit now and then is no answer either
        return filled

    def _broken(self, error: Exception) -> HelperError:
        self.close()  # what would come next is the middle of a message, or the answer to another question
        if isinstance(error, TimeoutError):
            return HelperSilent("a helper process does not answer")
        if isinstance(error, ValueError):
            return HelperError("a helper process sent what is no message")
        return HelperError("a helper process has ended or hung up")
