"""Watches the numbers of alerts, and the counts that statuses state, for what did not arrive and what came before."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeAlias

from pipelines.position import Position
from pipelines.wire import AlertMessage, StatusMessage

Numbered: TypeAlias = AlertMessage | StatusMessage

_MOST_RUNS = 64


@dataclass(frozen=True, slots=True)
class Gap:
    """Alerts that were published and did not arrive."""

    boot_id: str
    camera: str | None
    """Whose; None: of all cameras."""
    first: int
    """Sequence number of the first one missing: `camera_seq` if a camera is named, else `seq`."""
    last: int
    """Of the last; below `first` when it is not known how many there are."""
    reason: str = ""
    """Why they could not be had later either, for people."""

    @property
    def missed(self) -> int:
        """How many; 0 when that is not known."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        whose = "" if self.camera is None else f" of {self.camera}"
        why = f" ({self.reason})" if self.reason else ""
        if self.missed <= 0:
            return f"alerts{whose} from number {self.first} of run {self.boot_id} may be missed{why}"
        return f"{self.missed} alerts{whose} missed: numbers {self.first} to {self.last} of run {self.boot_id}{why}"


class Sequence:
    """The highest number of each run, for all cameras or for one."""

    def __init__(self, camera: str | None) -> None:
        self.place: Position | None = None
        """Right after the latest alert that is accounted for; None before the first message."""
        self.lenient: set[str] | None = set()
        """Runs whose first number may be any, as older ones are no longer kept; None: all."""
        self._camera = camera
        self._seen: OrderedDict[str, int] = OrderedDict()

    def begin(self, message: Numbered) -> None:
        """What was published before the first message is not missed."""
        self.note(message)

    def begin_after(self, place: Position | None) -> None:
        """All that was published after a place is wanted; None: all that is kept."""
        self.place = place
        self.lenient = None if place is None else {place.boot_id}
        if place is not None and self._camera is None:
            self._seen[place.boot_id] = place.seq

    def is_double(self, message: AlertMessage) -> bool:
        """Whether it has come before."""
        return self._number(message) <= self._seen.get(message.header.boot_id, 0)

    def lacks_before(self, message: Numbered) -> bool:
        """Whether something may be missing before a message: numbers, or the end of another run."""
        return message.header.boot_id not in self._seen or self.gap_before(message) is not None

    def gap_before(self, message: Numbered, reason: str = "") -> Gap | None:
        """What is missing between the messages so far and this one."""
        boot_id, number = message.header.boot_id, self._number(message)
        seen = self._seen.get(boot_id)
        if seen is None:
            if self.lenient is None or boot_id in self.lenient:
                return None
            seen = 0
        first, last = seen + 1, number - isinstance(message, AlertMessage)
        return Gap(boot_id, self._camera, first, last, reason) if first <= last else None

    def note(self, message: Numbered) -> None:
        """All up to and including this message is accounted for."""
        header, number = message.header, self._number(message)
        self._seen[header.boot_id] = max(number, self._seen.get(header.boot_id, 0))
        self._seen.move_to_end(header.boot_id)
        if len(self._seen) > _MOST_RUNS:
            self._seen.popitem(last=False)
        self.place = place_after(message)

    def _number(self, message: Numbered) -> int:
        if isinstance(message, AlertMessage):
            return message.header.seq if self._camera is None else message.header.camera_seq
        return message.header.last_seq if self._camera is None else message.header.last_camera_seq


def place_after(message: Numbered) -> Position:
    """Right after an alert, or after what a status counts."""
    seq = message.header.seq if isinstance(message, AlertMessage) else message.header.last_seq
    return Position(message.header.boot_id, seq)
