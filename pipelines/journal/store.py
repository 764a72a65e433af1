"""What a database of alerts must do. SQLite is the one there is; another would take its place behind this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pipelines.headers import AlertHeader


@dataclass(frozen=True, slots=True)
class PictureRef:
    """Where an alert's three pictures lie: one file, one after the other."""

    name: str
    overlay: int
    """Bytes."""
    clean: int
    heatmap: int

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.overlay + self.clean + self.heatmap


@dataclass(frozen=True, slots=True)
class NewAlert:
    """An alert that is to be kept."""

    header: AlertHeader
    pictures: PictureRef | None


@dataclass(frozen=True, slots=True)
class OldAlert:
    """What has to be known of a kept alert to remove it."""

    id: int
    kept_s: float
    """By the journal's own clock."""
    bytes: int
    picture: str | None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An event of an earlier run that has no end."""

    header: AlertHeader
    """Of its latest alert."""
    pictures: PictureRef | None


@dataclass(frozen=True, slots=True)
class Lost:
    """Numbers of a run that will never be in the journal."""

    boot_id: str
    first: int
    last: int
    reason: str


@dataclass(frozen=True, slots=True)
class Totals:
    """How much there is."""

    alerts: int
    bytes: int
    """Headers and pictures, as they count on the disk."""
    oldest_unix: float | None = None
    """When the oldest alert was kept; None when there is none."""


class Store(Protocol):
    """Keeps alerts in the order in which they came. Belongs to one thread.

    Every call is one transaction, durable when it returns. Raises `JournalFull`, `JournalReadOnly`, `JournalDamaged`,
    or `JournalError` for anything else; then nothing of the call was done, and the store is to be closed.
    """

    def append(self, alerts: Sequence[NewAlert], lost: Sequence[Lost] = ()) -> None:
        """Keep alerts, and remember what was lost before them. One that is there already is left as it is."""

    def totals(self) -> Totals:
        """How much there is."""

    def age_s(self, alert: OldAlert) -> float:
        """How old an alert is, by the journal's own clock."""

    def oldest(self, most: int, *, with_picture: bool = False) -> list[OldAlert]:
        """The alerts that came first, or those of them that still have their pictures."""

    def remove(self, alerts: Sequence[OldAlert]) -> None:
        """Forget alerts whose picture files are gone."""

    def strip(self, alerts: Sequence[OldAlert]) -> None:
        """Forget the pictures of alerts, and no more."""

    def recent_pictures(self) -> set[str]:
        """Files of the latest alerts, more of them than a power cut can have left unsettled."""

    def unfinished(self, boot_id: str) -> list[Unfinished]:
        """Events without an end, of runs other than `boot_id`."""

    def close(self) -> None:
        """Release it; may be called twice, and raises nothing."""
