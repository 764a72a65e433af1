"""One request on one connection, without ever waiting for the client: handshake, head, answer, end."""

from __future__ import annotations

import selectors
import socket
import ssl
from collections.abc import Callable

from pipelines.guard.refusals import Reason

MOST_HEAD_BYTES = 8192
_HEAD_S = 2.0
_WHOLE_S = 5.0
_END = b"\r\n\r\n"


class Refused(Exception):  # noqa: N818 - an event, named as the log names it
    """A client is cut off: by `reason`, and for people `told`."""

    def __init__(self, reason: Reason, told: str) -> None:
        super().__init__(told)
        self.reason = reason
        self.told = told


class Call:
    """Moved on by `advance` whenever its socket is ready for what it `wants`."""

    def __init__(self, link: socket.socket, who: str, now: float, tls: ssl.SSLContext | None) -> None:
        link.setblocking(False)  # noqa: FBT003 - the library's own
        self.who = who
        self.since = now
        self.wants = selectors.EVENT_READ
        self.link: socket.socket | ssl.SSLSocket = link
        self._shaken = tls is None
        if tls is not None:
            self.link = tls.wrap_socket(link, server_side=True, do_handshake_on_connect=False)
        self._head = bytearray()
        self._answer = b""
        self._sent = 0

    @property
    def asked(self) -> bool:
        """Whether the request is there; until then the connection makes room for others."""
        return bool(self._answer)

    def overdue(self, now: float) -> str | None:
        """What took too long, if something did."""
        age_s = now - self.since
        if not self.asked and age_s > _HEAD_S:
            return f"no whole request within {_HEAD_S:g} s"
        return f"took more than {_WHOLE_S:g} s to read the answer" if age_s > _WHOLE_S else None

    def advance(self, answer: Callable[[bytes, str], bytes]) -> bool:
        """Go on as far as can be without waiting; False when it is over. Raises Refused, or OSError if it hung up.

        `answer` makes the whole answer of the request's head and the client's address.
        """
        try:
            if not self._shaken:
                self._shake_hands()
            if not self.asked and not self._read(answer):
                return False
            return self._write()
        except (ssl.SSLWantReadError, BlockingIOError):
            self.wants = selectors.EVENT_WRITE if self.asked else selectors.EVENT_READ
        except ssl.SSLWantWriteError:
            self.wants = selectors.EVENT_WRITE
        return True

    def close(self) -> None:
        """Hang up."""
        self.link.close()

    def _shake_hands(self) -> None:
        assert isinstance(self.link, ssl.SSLSocket)
        try:
            self.link.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            raise Refused("handshake", f"no TLS handshake ({error.reason or 'broken off'})") from None
        self._shaken = True

    def _read(self, answer: Callable[[bytes, str], bytes]) -> bool:
        while _END not in self._head:
            chunk = self.link.recv(4096)
            if not chunk:
                return False
            self._head += chunk
            if len(self._head) > MOST_HEAD_BYTES:
                raise Refused("too_long", f"a request of more than {MOST_HEAD_BYTES} bytes")
        self._answer = answer(bytes(self._head), self.who)
        return True

    def _write(self) -> bool:
        while self._sent < len(self._answer):
            self._sent += self.link.send(self._answer[self._sent : self._sent + 65536])
        return False
