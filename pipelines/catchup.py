"""Asks a daemon's replay for alerts that were missed, page by page, until there are no more."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import zmq

from pipelines.errors import SubscribeError, WireError
from pipelines.guard.arm import arm_client
from pipelines.guard.keyfiles import ClientKeys
from pipelines.handshakes import NOT_ALLOWED, Handshakes
from pipelines.position import Position
from pipelines.replay_wire import REPLAY_SCHEMA, ReplayAnswer, ReplayRequest, read_answer, write_request
from pipelines.sequence import place_after
from pipelines.wire import AlertMessage, decode

_MOST_MESSAGE_BYTES = 256 << 20
_AGAIN_S = 2.0
"""A request that nothing came of is sent again: the daemon may have been restarted meanwhile."""
_SOON_S = 0.2

End: TypeAlias = Literal["done", "unknown", "failed"]


@dataclass(frozen=True, slots=True)
class Ended:
    """There will be no more alerts."""

    end: End
    """done: these were all; unknown: the daemon does not know the run; failed: no answer."""
    reason: str = ""


class CatchUp:
    """One catch-up after the other, over one socket. Belongs to one thread."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        endpoint: str,
        camera: str | None,
        *,
        patience_s: float,
        keys: ClientKeys | None = None,
    ) -> None:
        """Ask at `endpoint`; silence for `patience_s` ends a catch-up. Raises SubscribeError for a bad endpoint."""
        self.endpoint = endpoint
        self._camera, self._patience_s = camera, patience_s
        self._number = 0
        self._place: Position | None = None
        self._heard_at = self._asked_at = 0.0
        self._again_s = _AGAIN_S
        self._trouble = ""
        self._turned_away = False
        self._socket = context.socket(zmq.DEALER)
        try:
            self._socket.setsockopt(zmq.LINGER, 0)
            self._socket.setsockopt(zmq.MAXMSGSIZE, _MOST_MESSAGE_BYTES)
            arm_client(self._socket, keys)
            self._watch = Handshakes(self._socket)
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            self._socket.close(linger=0)
            raise SubscribeError(f"cannot ask {endpoint}: {error.strerror}") from error

    @property
    def turned_away(self) -> bool:
        """Whether the daemon did not let this end in: it takes another of these to ask again."""
        self._turned_away = self._turned_away or self._watch.turned_away(self.endpoint)
        return self._turned_away

    def start(self, place: Position | None) -> None:
        """Begin after a place; None: with the first alert that is kept."""
        self._place = place
        self._heard_at = time.monotonic()
        self._trouble = f"{self.endpoint} does not answer"
        self._ask()

    def receive(self, timeout_s: float) -> AlertMessage | Ended | None:
        """The next alert, or how it ended; None when neither came within the time. Raises WireError."""
        now = time.monotonic()
        if self.turned_away:
            return Ended("failed", f"{self.endpoint} lets this end not in: {NOT_ALLOWED}")
        if now - self._heard_at > self._patience_s:
            return Ended("failed", self._trouble)
        if now - self._asked_at > self._again_s:
            self._ask()
        if not self._socket.poll(round(1000 * min(timeout_s, self._again_s, self._patience_s))):
            return None
        parts = self._socket.recv_multipart()
        if parts[0] != str(self._number).encode() and parts[0] != b"0":
            return None  # what an earlier request had asked for
        answer = read_answer(parts)
        if answer is not None:
            return self._judge(answer)
        message = decode(parts[1:])
        if not isinstance(message, AlertMessage):
            raise WireError("an answer that holds no alert")
        self._heard_at = self._asked_at = time.monotonic()
        self._place = place_after(message)
        return message

    def close(self) -> None:
        """Release the socket."""
        self._watch.close()

    def _judge(self, answer: ReplayAnswer) -> Ended | None:
        if answer.outcome == "more" and answer.alerts > 0:
            self._ask()
            return None
        if answer.outcome in {"busy", "unavailable"}:
            self._again_s, self._asked_at, self._trouble = _SOON_S, time.monotonic(), answer.reason
            return None
        if answer.outcome in {"done", "more"}:
            return Ended("done")
        return Ended("unknown" if answer.outcome == "unknown" else "failed", answer.reason)

    def _ask(self) -> None:
        self._number += 1
        self._asked_at, self._again_s = time.monotonic(), _AGAIN_S
        boot_id, seq = (None, 0) if self._place is None else (self._place.boot_id, self._place.seq)
        request = ReplayRequest(schema=REPLAY_SCHEMA, id=self._number, boot_id=boot_id, seq=seq, camera=self._camera)
        with suppress(zmq.Again):  # nobody is connected, and enough requests wait already
            self._socket.send(write_request(request), zmq.NOBLOCK)


def replay_endpoint(own: str, told: str) -> str:
    """Where to ask, given where the daemon says that it listens: at the host that was connected to, not the one told.

    Whoever binds all addresses tells 0.0.0.0, which is none to connect to.
    """
    mine, theirs = urlsplit(own), urlsplit(told)
    if mine.scheme != "tcp" or theirs.scheme != "tcp":
        return told
    host = mine.netloc.rpartition(":")[0]
    return f"tcp://{host}:{theirs.netloc.rpartition(':')[2]}"
