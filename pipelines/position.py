"""A place in the stream of alerts: a run of the daemon and a number in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from engines.quoting import shortened

_WRITTEN = re.compile(r"(?:(?P<boot>[^:\s]{1,64}):)?(?P<seq>\d{1,18})\Z")


@dataclass(frozen=True, slots=True)
class Position:
    """Right after an alert: `seq` of the run `boot_id`. With `seq` 0, before the run's first alert."""

    boot_id: str
    seq: int

    def __str__(self) -> str:
        return f"{self.boot_id}:{self.seq}"


@dataclass(frozen=True, slots=True)
class ThisRun:
    """Right after the alert `seq` of whichever run the daemon is in."""

    seq: int


After: TypeAlias = Position | ThisRun | Literal["start"]
"""Where a subscriber begins: after an alert, or with the first that is kept."""


def first_from(text: str) -> After:
    """The place before the alert that ``118``, ``5f0c6a1e9b42:118`` or ``start`` names. Raises ValueError."""
    if text == "start":
        return "start"
    found = _WRITTEN.match(text)
    if found is None:
        raise ValueError(f"{shortened(text, 60)!r} names no alert: expected a number, RUN:NUMBER, or start")
    before = max(0, int(found["seq"]) - 1)
    return ThisRun(before) if found["boot"] is None else Position(found["boot"], before)
