"""Alerts that wait for the disk: bounded, pictures given up before alerts, the oldest first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice

from pipelines.journal.store import Lost
from pipelines.wire import AlertMessage


@dataclass(frozen=True, slots=True)
class Waiting:
    """An alert with its place in the queue."""

    number: int
    message: AlertMessage

    @property
    def size(self) -> int:
        """Bytes of its pictures."""
        message = self.message
        return len(message.overlay_jpeg) + len(message.clean_jpeg) + len(message.heatmap_png)


@dataclass(slots=True)
class Backlog:
    """A queue of alerts. Numbers run from 1; those that were taken are left alone until they are done.

    Not safe for several threads: its owner has a lock.
    """

    most_alerts: int = 2000
    most_bytes: int = 64 << 20
    """Of pictures."""
    lost: list[Lost] = field(default_factory=list)
    """What was given up and not yet told to the store."""
    stripped: int = 0
    """Alerts that gave up their pictures, over all time."""
    given_up: int = 0
    """Alerts given up, over all time."""
    _items: deque[Waiting] = field(default_factory=deque)
    _number: int = 0
    _bytes: int = 0
    _taken: int = 0

    def __len__(self) -> int:
        return len(self._items)

    def put(self, message: AlertMessage) -> int:
        """Queue an alert; returns its number."""
        self._number += 1
        item = Waiting(self._number, message)
        self._items.append(item)
        self._bytes += item.size
        if self._bytes > self.most_bytes:
            self._strip()
        if len(self._items) > self.most_alerts:
            self._give_up()
        return item.number

    def take(self, most: int) -> list[Waiting]:
        """The oldest alerts; they stay until `done`."""
        items = list(islice(self._items, most))
        self._taken = items[-1].number if items else 0
        return items

    def done(self, items: Iterable[Waiting], told: Iterable[Lost]) -> None:
        """The alerts taken, and the losses told, are in the store."""
        for _ in items:
            self._bytes -= self._items.popleft().size
        self._taken = 0
        told = list(told)
        self.lost = [gap for gap in self.lost if gap not in told]

    def untake(self) -> None:
        """The alerts taken are not in the store."""
        self._taken = 0

    def _strip(self) -> None:
        for place, item in enumerate(self._items):
            if self._bytes <= self.most_bytes:
                return
            if item.number > self._taken and item.size:
                bare = replace(item.message, overlay_jpeg=b"", clean_jpeg=b"", heatmap_png=b"")
                self._items[place] = Waiting(item.number, bare)
                self._bytes -= item.size
                self.stripped += 1

    def _give_up(self) -> None:
        place = next((place for place, item in enumerate(self._items) if item.number > self._taken), None)
        if place is None:
            return
        item = self._items[place]
        del self._items[place]
        self._bytes -= item.size
        self.given_up += 1
        self._note(item.message.header.boot_id, item.message.header.seq)

    def _note(self, boot_id: str, seq: int) -> None:
        reason = "the journal could not be written"
        latest = self.lost[-1] if self.lost else None
        if latest is not None and (latest.boot_id, latest.last) == (boot_id, seq - 1):
            self.lost[-1] = replace(latest, last=seq)
        else:
            self.lost.append(Lost(boot_id, seq, seq, reason))
