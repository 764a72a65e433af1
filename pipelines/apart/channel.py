"""A connection between the daemon and a helper process: whole messages, in order, both ways."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from array import array
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import HelperError, HelperSilent

Part: TypeAlias = "bytes | memoryview"
"""An array is sent as it lies (``array.data``), and has to be contiguous."""
Received: TypeAlias = list[NDArray[np.uint8]]
"""The parts of a message, uint8 [n] each, which nobody else holds."""

_HEAD: Final = struct.Struct("<IQQ")
"""How many parts, and the lengths of the first two; those of others follow."""
_INLINE: Final = 2
_LENGTH: Final = struct.Struct("<Q")
_MOST_PARTS: Final = 1000
"""The kernel takes 1024 buffers at a time."""
_MOST_BYTES: Final = 1 << 29
"""Of a message. A picture has some hundred megabytes at the most."""
_FILES: Final = 4


class Channel:
    """One end. One thread at a time may use it. Whatever goes wrong closes it, and raises `HelperError`.

    A message takes one call of the kernel to send and two to receive, bounded in time by the kernel itself: for each a
    thread gives the interpreter's lock away, and has to wait for it again.
    """

    def __init__(self, connected: socket.socket) -> None:
        """Take over one end of a pair of stream sockets."""
        connected.settimeout(None)
        self._socket = connected
        self._bounds: dict[int, float | None] = {}

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
        views = [memoryview(part).cast("B") for part in parts]
        lengths = [view.nbytes for view in views] + [0] * (_INLINE - len(parts))
        head = _HEAD.pack(len(parts), *lengths[:_INLINE]) + b"".join(map(_LENGTH.pack, lengths[_INLINE:]))
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", files))] if files else []
        try:
            self._bound(socket.SO_SNDTIMEO, timeout_s)
            rest = _after([memoryview(head), *views], self._socket.sendmsg([head, *views], ancillary))
            while rest:
                rest = _after(rest, self._socket.sendmsg(rest))
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
            self._bound(socket.SO_RCVTIMEO, timeout_s)
            deadline = None if timeout_s is None else time.monotonic() + timeout_s
            head, files, _, _ = socket.recv_fds(self._socket, _HEAD.size, _FILES, socket.MSG_WAITALL)
            (left,) = self._exactly([_HEAD.size - len(head)], deadline)
            count, *lengths = _HEAD.unpack(head + left.tobytes())
            return self._exactly(self._lengths(count, lengths, deadline), deadline), files
        except (OSError, EOFError, ValueError) as error:
            raise self._broken(error) from None

    def hang_up(self) -> None:
        """Let both ends know that it is over, also whoever waits for a message; for any thread. Closes nothing."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up; may be called twice."""
        self._socket.close()

    def _lengths(self, count: int, inline: list[int], deadline: float | None) -> list[int]:
        if count > _MOST_PARTS:
            raise ValueError
        if count > _INLINE:
            (others,) = self._exactly([(count - _INLINE) * _LENGTH.size], deadline)
            inline = inline + [length for (length,) in _LENGTH.iter_unpack(others.tobytes())]
        lengths = inline[:count]
        if sum(lengths) > _MOST_BYTES:
            raise ValueError
        return lengths

    def _exactly(self, lengths: Sequence[int], deadline: float | None) -> Received:
        """Arrays of these lengths, filled with what comes."""
        parts = [np.empty(length, np.uint8) for length in lengths]
        rest = _after([part.data for part in parts], 0)
        while rest:
            came, _, _, _ = self._socket.recvmsg_into(rest, 0, socket.MSG_WAITALL)
            if not came:
                raise EOFError
            rest = _after(rest, came)
            if rest and deadline is not None and time.monotonic() > deadline:
                raise TimeoutError  # a bit now and then is no answer either
        return parts

    def _bound(self, what: int, timeout_s: float | None) -> None:
        """Let the kernel wait no longer than this."""
        if self._bounds.get(what) == timeout_s:
            return
        seconds = 0.0 if timeout_s is None else max(timeout_s, 1e-3)  # 0 is for ever
        self._socket.setsockopt(socket.SOL_SOCKET, what, struct.pack("@ll", int(seconds), int(seconds % 1 * 1e6)))
        self._bounds[what] = timeout_s

    def _broken(self, error: Exception) -> HelperError:
        self.close()  # what would come next is the middle of a message, or the answer to another question
        if isinstance(error, TimeoutError | BlockingIOError):
            return HelperSilent("a helper process does not answer")
        if isinstance(error, ValueError):
            return HelperError("a helper process sent what is no message")
        return HelperError("a helper process has ended or hung up")


def _after(buffers: Sequence[memoryview], done: int) -> list[memoryview]:
    """What is left of buffers without so many bytes of their beginning; none is empty."""
    left = []
    for buffer in buffers:
        if done < buffer.nbytes:
            left.append(buffer[done:])
        done = max(done - buffer.nbytes, 0)
    return left
