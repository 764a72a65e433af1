"""Answers subscribers that missed alerts, from the journal: a ROUTER socket beside the publisher's.

A stage of its own with a read-only connection of its own: nothing that anybody asks here holds up an alert. Answers
come in pages; a subscriber has one request at a time, and one that does not read its answers loses them.
"""

from __future__ import annotations

import errno
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import zmq

from engines.quoting import shortened
from pipelines.errors import JournalError, PublishError, WireError
from pipelines.guard.arm import arm_server
from pipelines.guard.guard import Guard
from pipelines.journal.reader import JournalReader
from pipelines.metrics import ReplayMetrics
from pipelines.position import Position
from pipelines.replay_wire import (
    MOST_REQUEST_BYTES,
    REPLAY_SCHEMA,
    Outcome,
    ReplayAnswer,
    ReplayRequest,
    read_request,
    write_answer,
)

_log = logging.getLogger("vigil.replay")

LISTENER = "replay"
"""What the guard calls this socket."""
REQUESTS = 1_000_000_000
"""Of one connection, which asks again and again and leaves nothing behind; its rate is bounded."""
_IDLE_MS = 100
_PAGE, _PAGE_BYTES = 32, 4 << 20
"""An answer has no more alerts, and no alert after so many bytes."""
_SLICE = 4
"""Alerts sent to one subscriber before the next has its turn."""
_MOST_WAITING = 64
"""Subscribers that are served by turns; more are told to ask again."""
_MOST_AT_ONCE = 64
"""Requests read in one step."""
_TELL_EVERY_S = 10.0
"""However many malformed requests come, the log has one line in so many seconds."""


class ReplaySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The table ``[replay]``."""

    enabled: bool = True
    """Whether subscribers may ask for alerts that they missed; it takes a journal."""
    endpoint: Annotated[str, msgspec.Meta(pattern=r"^(tcp|ipc)://.+")] = "tcp://127.0.0.1:5558"
    """ZeroMQ endpoint to bind; the default is reachable from this machine alone."""


@dataclass(slots=True)
class _Job:
    request: ReplayRequest
    place: int
    sent: int = 0
    sent_bytes: int = 0


class Replay:
    """The stage. `endpoint` may be read by any thread; everything else belongs to the thread that steps it."""

    name = "replay"

    def __init__(
        self,
        settings: ReplaySettings,
        folder: Path,
        metrics: ReplayMetrics,
        *,
        context: zmq.Context[zmq.Socket[bytes]] | Guard | None = None,
    ) -> None:
        """Answer from the journal in `folder`, which need not be there yet; the context as for a publisher."""
        self.endpoint: str | None = None
        """Where it is bound; None while it is not."""
        self._settings, self._folder, self._metrics, self._given = settings, folder, metrics, context
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._socket: zmq.Socket[bytes] | None = None
        self._reader: JournalReader | None = None
        self._jobs: OrderedDict[bytes, _Job] = OrderedDict()
        self._told_at, self._untold = -_TELL_EVERY_S, 0

    def open(self) -> None:
        """Bind. Raises PublishError."""
        given = self._given.context if isinstance(self._given, Guard) else self._given
        self._context = given or zmq.Context()
        socket = self._context.socket(zmq.ROUTER)
        try:
            socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
            socket.setsockopt(zmq.SNDHWM, 2 * _PAGE)
            socket.setsockopt(zmq.LINGER, 0)
            if isinstance(self._given, Guard):
                self._given.arm(socket, LISTENER)
            else:
                arm_server(socket, None, most_bytes=MOST_REQUEST_BYTES)
            socket.bind(self._settings.endpoint)
        except zmq.ZMQError as error:
            socket.close(linger=0)
            hint = f"{error.strerror}: give [replay] an endpoint of its own, like tcp://127.0.0.1:5558"
            raise PublishError(f"cannot replay on {shortened(self._settings.endpoint)}: {hint}") from error
        self._socket = socket
        self.endpoint = socket.getsockopt_string(zmq.LAST_ENDPOINT)
        _log.info("replaying on %s", self.endpoint)

    def step(self) -> bool:
        """Read requests, and send one subscriber some of what it asked for."""
        if self._socket is not None and self._socket.poll(0 if self._jobs else _IDLE_MS):
            self._read(self._socket)
        if self._jobs:
            who, job = self._jobs.popitem(last=False)
            if self._serve(who, job):
                self._jobs[who] = job
        return True

    def close(self) -> None:
        """Release socket and journal."""
        self.endpoint = None
        self._jobs.clear()
        self._forget_reader()
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.close(linger=0)
        context, self._context = self._context, None
        if context is not None and self._given is None:
            context.term()

    def _read(self, socket: zmq.Socket[bytes]) -> None:
        for _ in range(_MOST_AT_ONCE):
            try:
                frames = socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            if isinstance(self._given, Guard):
                self._given.heard(LISTENER, frames[-1])
            who, *parts = (frame.bytes for frame in frames)
            try:
                request = read_request(parts)
            except WireError as error:
                self._refuse(who, str(error))
            else:
                self._accept(who, request)

    def _accept(self, who: bytes, request: ReplayRequest) -> None:
        """Queue a request; an earlier one of the same subscriber, which no longer waits for it, is dropped."""
        if who not in self._jobs and len(self._jobs) >= _MOST_WAITING:
            self._answer(who, request.id, "busy", "too many ask at once: ask again in a while")
            return
        try:
            place = self._place(request)
        except JournalError as error:
            self._unavailable(who, request, error)
            return
        if place is None:
            self._answer(who, request.id, "unknown", f"the journal knows no run {request.boot_id}")
        else:
            self._jobs[who] = _Job(request, place)

    def _place(self, request: ReplayRequest) -> int | None:
        reader = self._journal()
        return 0 if request.boot_id is None else reader.place_of(Position(request.boot_id, request.seq))

    def _serve(self, who: bytes, job: _Job) -> bool:
        """Send some alerts; True when there are more to send of this request."""
        try:
            reader = self._journal()
            alerts = reader.after(job.place, min(_SLICE, _PAGE - job.sent), job.request.camera)
            for alert in alerts:
                parts = [str(job.request.id).encode(), *reader.parts(alert)]
                if not self._send(who, parts):
                    return False
                job.place = alert.id
                job.sent += 1
                job.sent_bytes += sum(len(part) for part in parts)
                self._metrics.alerts.inc()
        except JournalError as error:
            self._unavailable(who, job.request, error)
            return False
        if not alerts:
            self._answer(who, job.request.id, "done", alerts=job.sent)
        elif job.sent >= _PAGE or job.sent_bytes >= _PAGE_BYTES:
            self._answer(who, job.request.id, "more", alerts=job.sent)
        else:
            return True
        return False

    def _journal(self) -> JournalReader:
        """The journal as it is now: it may be made, or begun anew, while this runs."""
        if self._reader is not None and not self._reader.is_current:
            self._forget_reader()
        if self._reader is None:
            self._reader = JournalReader(self._folder)
        return self._reader

    def _forget_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _unavailable(self, who: bytes, request: ReplayRequest, error: JournalError) -> None:
        self._forget_reader()
        self._answer(who, request.id, "unavailable", str(error))

    def _refuse(self, who: bytes, why: str) -> None:
        self._untold += 1
        now = time.monotonic()
        if now - self._told_at >= _TELL_EVERY_S:
            _log.warning("refused %d malformed request%s: %s", self._untold, "s" if self._untold > 1 else "", why)
            self._told_at, self._untold = now, 0
        self._answer(who, 0, "refused", why)

    def _answer(self, who: bytes, request: int, outcome: Outcome, reason: str = "", *, alerts: int = 0) -> None:
        self._metrics.requests[outcome].inc()
        answer = ReplayAnswer(schema=REPLAY_SCHEMA, id=request, outcome=outcome, alerts=alerts, reason=reason)
        self._send(who, write_answer(answer))

    def _send(self, who: bytes, parts: list[bytes]) -> bool:
        """False when the subscriber is gone, or does not read."""
        if self._socket is None:
            return False
        try:
            self._socket.send_multipart([who, *parts], zmq.NOBLOCK)
        except zmq.ZMQError as error:
            if error.errno not in {errno.EAGAIN, errno.EHOSTUNREACH}:
                raise PublishError(f"cannot answer on {self._settings.endpoint}: {error.strerror}") from error
            self._metrics.requests["abandoned"].inc()
            return False
        return True
