"""The connections of one listening socket, as its monitor tells of them, and the bounds that they keep to."""

from __future__ import annotations

import struct
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import zmq

from pipelines.guard.arm import HANDSHAKE_S
from pipelines.guard.guest import Guest, meet
from pipelines.guard.refusals import Reason, Refusals

EVENTS = (
    zmq.EVENT_LISTENING
    | zmq.EVENT_ACCEPTED
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_MONITOR_STOPPED
)
_EVENT = struct.Struct("=HI")
_CRYPTOGRAPHIC = int(zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC)
_MECHANISM = int(zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the clients of a listening socket may do."""

    connections: int = 64
    """At a time. Who has not asked for anything yet makes room for who comes later; who has, stays."""
    message_bytes: int = 1024
    """Longest part of a message. Clients send topics and requests, nothing else."""
    requests: int = 1000
    """In the life of a connection: subscriptions cost memory for as long as it lasts."""
    burst_bytes: int = 256 << 10
    bytes_per_s: int = 16 << 10


class Lobby:
    """For the thread that reads the monitor."""

    def __init__(self, bounds: Bounds, refusals: Refusals, count: Callable[[int], object], *, keyed: bool) -> None:
        """`count` is told the number of connections; `keyed`: who comes must show a key."""
        self._bounds = bounds
        self._refusals = refusals
        self._count = count
        self._keyed = keyed
        self._guests: dict[int, Guest] = {}
        self._local = ""
        self._failure: tuple[Reason, str] | None = None
        self._turned_away = 0
        self._ticked = time.monotonic()
        self.listening = False
        """Between its first event and its last."""

    def see(self, frames: list[bytes]) -> bool:
        """Take one event of the monitor; False when it was the last."""
        event, value = _EVENT.unpack(frames[0])
        if event == zmq.EVENT_LISTENING:
            self._local, self.listening = frames[1].decode(), True
        elif event == zmq.EVENT_ACCEPTED:
            self._enter(value)
        elif event == zmq.EVENT_DISCONNECTED:
            self._leave(value)
        elif event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            self._turned_away += 1  # told by who was asked, with the key; the connection ends soon
        elif event == zmq.EVENT_MONITOR_STOPPED:
            self.listening = False
            self.close()
        else:
            # ZeroMQ's one thread tells next, in this very monitor, whose connection that was.
            self._failure = self._explain(event, value)
        return bool(event != zmq.EVENT_MONITOR_STOPPED)

    def heard(self, fd: int, user: str) -> None:
        """A connection has sent a request, under the name and key it was let in by."""
        guest = self._guests.get(fd)
        if guest is None or guest.cut:
            return
        guest.user, guest.settled = user, True
        guest.requests += 1
        if guest.requests > self._bounds.requests:
            self._cut(guest, "too_much", f"more than {self._bounds.requests} requests in one connection")

    def tick(self) -> None:
        """Cut off who sends more than clients have reason to."""
        now = time.monotonic()
        elapsed_s, self._ticked = now - self._ticked, now
        earned, most = self._bounds.bytes_per_s * elapsed_s, float(self._bounds.burst_bytes)
        for guest in self._guests.values():
            guest.allowance = min(guest.allowance + earned, most) - guest.newly_received()
            if guest.allowance < 0 and not guest.cut:
                self._cut(guest, "too_much", f"sent {guest.received} bytes, where clients only ask for topics")

    def expel(self, may_stay: Callable[[str], bool]) -> list[str]:
        """Cut off whose key may stay no longer, and who has not shown yet under which it came; returns the users.

        Those of the latter who may stay come back by themselves.
        """
        gone = [guest for guest in self._guests.values() if not guest.cut and not may_stay(guest.user)]
        for guest in gone:
            guest.cut_off()
        return [guest.user for guest in gone if guest.user]

    def close(self) -> None:
        """Release all descriptors."""
        for guest in self._guests.values():
            guest.let_go()
        self._guests.clear()
        self._count(0)

    def _enter(self, fd: int) -> None:
        now = time.monotonic()
        former = self._guests.pop(fd, None)
        if former is not None:
            former.let_go()
        self._guests[fd] = meet(fd, self._local, now, self._bounds.burst_bytes)
        staying = [each for each in self._guests.values() if not each.cut]
        if len(staying) > self._bounds.connections:
            unsettled = [each for each in staying if not each.settled]
            self._cut(_to_make_room(unsettled), "too_many", f"{self._bounds.connections} connections are the most")
        self._count(len(self._guests))

    def _leave(self, fd: int) -> None:
        guest = self._guests.pop(fd, None)
        failure, self._failure = self._failure, None
        self._count(len(self._guests))
        if guest is None:
            return
        if failure is not None:
            self._told_failure(guest, *failure)
        elif self._turned_away and not guest.settled:
            self._turned_away -= 1
        elif not guest.cut and guest.left() is not True:
            # Of one that ended before it could be looked at nothing is known; but had it left by itself, ZeroMQ would
            # have told of a handshake that failed.
            most = self._bounds.message_bytes
            self._refusals.note("too_long", guest.who, f"a message of more than {most} bytes, or none of ZeroMQ's")
        guest.let_go()

    def _told_failure(self, guest: Guest, reason: Reason, told: str) -> None:
        if guest.cut:
            return
        if reason == "handshake" and time.monotonic() - guest.since < 0.9 * HANDSHAKE_S:
            # A health check, a port scan; or a client without a key that saw first that it needs one.
            if self._keyed:
                self._refusals.note("no_key", guest.who, "hung up without having shown a key")
            return
        self._refusals.note(reason, guest.who, told)

    def _cut(self, guest: Guest, reason: Reason, told: str) -> None:
        guest.cut_off()
        self._refusals.note(reason, guest.who, told)

    def _explain(self, event: int, value: int) -> tuple[Reason, str]:
        if event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            return "handshake", f"has not finished its handshake after {HANDSHAKE_S:g} s"
        if value == _MECHANISM and self._keyed:
            return "no_key", "no key: this socket takes encrypted connections (vigil subscribe --key)"
        if value == _CRYPTOGRAPHIC:
            return "wrong_server_key", "expects another server key: give it server.key of this daemon"
        return "malformed", "does not speak ZeroMQ's protocol as it should"


def _to_make_room(unsettled: list[Guest]) -> Guest:
    """The oldest of the address that has most connections waiting, so that none can push out the others' newcomers."""
    crowd = Counter(guest.who for guest in unsettled)
    (busiest, _), *_ = crowd.most_common(1)
    return min((guest for guest in unsettled if guest.who == busiest), key=lambda guest: guest.since)
