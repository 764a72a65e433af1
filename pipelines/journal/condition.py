"""How the journal is, in a word and a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from pipelines.errors import JournalError, JournalFull, JournalReadOnly

JournalState: TypeAlias = Literal[
    "starting", "ok", "making-room", "no-pictures", "full", "read-only", "stalled", "failing"
]
"""starting: not open yet; ok: alerts and pictures are kept; making-room: the disk is full, and the oldest pictures give
way to new ones; no-pictures: alerts are kept without pictures for want of room; full, read-only, failing: nothing is
kept, alerts wait in memory and are published all the same; stalled: the disk does not answer, likewise."""
JOURNAL_STATES: tuple[JournalState, ...] = get_args(JournalState)
TROUBLED: frozenset[JournalState] = frozenset({"full", "read-only", "stalled", "failing"})
"""States in which nothing is kept."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How the journal is."""

    state: JournalState
    reason: str = ""
    """Why, for people; empty when ok."""

    @property
    def troubled(self) -> bool:
        """Whether nothing is kept at present."""
        return self.state in TROUBLED

    @property
    def complaint(self) -> str:
        """What is amiss, for people; empty when nothing is."""
        if self.troubled:
            return f"it keeps nothing ({self.state}), alerts go out all the same: {self.reason}"
        if self.state == "no-pictures":
            return f"alerts are kept without their pictures: {self.reason}"
        return self.reason if self.state == "making-room" else ""

    @staticmethod
    def after(error: JournalError) -> Condition:
        """What an error makes of it."""
        if isinstance(error, JournalFull):
            return Condition("full", str(error))
        return Condition("read-only" if isinstance(error, JournalReadOnly) else "failing", str(error))
