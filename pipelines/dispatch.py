"""Alerts on their way out: each leaves, in order, once the journal has it or cannot have it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.journal.journal import Journal
from pipelines.wire import AlertMessage

Encode = Callable[[int, float], Sequence[bytes]]
"""Makes a message's parts of the time of sending, on the monotonic clock (ns) and as Unix time."""


@dataclass(frozen=True, slots=True)
class _Parcel:
    number: int
    """The journal's."""
    handed_ns: int
    encode: Encode
    on_sent: Callable[[Sent], None]


@dataclass(frozen=True, slots=True)
class Sent:
    """When an alert left; all on the monotonic clock."""

    handed_ns: int
    """When it was given to the journal."""
    from_ns: int
    """When the journal had it and sending began."""
    sent_ns: int


class Dispatch:
    """Sends alerts in the order in which they are handed over. Belongs to one thread."""

    def __init__(self, send: Callable[[Sequence[bytes]], None], journal: Journal | None) -> None:
        """Send at once, or, with a journal, when that has kept the alert."""
        self._send = send
        self._journal = journal
        self._parcels: deque[_Parcel] = deque()

    def hand_over(
        self, message: AlertMessage, encode: Encode, on_sent: Callable[[Sent], None] = lambda _: None
    ) -> None:
        """Keep an alert as `message`, and send it as `encode` says."""
        number = 0 if self._journal is None else self._journal.submit(message)
        self._parcels.append(_Parcel(number, time.monotonic_ns(), encode, on_sent))
        self.send_ready()

    def send_ready(self) -> None:
        """Send what need not wait any longer; never waits."""
        while self._parcels and (self._journal is None or self._journal.settled(self._parcels[0].number)):
            self._send_next()

    def flush(self) -> None:
        """Send all that was handed over, after no longer a wait than the journal's patience."""
        until = time.monotonic() + (0.0 if self._journal is None else self._journal.patience_s)
        while self._parcels:
            if self._journal is not None:
                self._journal.wait(self._parcels[0].number, max(0.0, until - time.monotonic()))
            self._send_next()

    def _send_next(self) -> None:
        parcel = self._parcels.popleft()
        from_ns = time.monotonic_ns()
        self._send(parcel.encode(from_ns, time.time()))
        parcel.on_sent(Sent(parcel.handed_ns, from_ns, time.monotonic_ns()))
