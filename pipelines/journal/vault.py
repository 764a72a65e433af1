"""An open journal: database and pictures kept in step, the oldest removed for the newest."""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import JournalError, JournalFull
from pipelines.journal.aside import clear_aside
from pipelines.journal.disk import on_disk, room, trouble
from pipelines.journal.pictures import PictureFiles
from pipelines.journal.settings import JournalSettings
from pipelines.journal.store import Lost, NewAlert, OldAlert, PictureRef, Store, Totals, Unfinished
from pipelines.journal.writer import SqliteStore
from pipelines.wire import AlertMessage

_AT_ONCE = 64
"""Most alerts that one step removes."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a group of alerts."""

    whole: int
    bare: int
    """Alerts whose pictures there was no room for."""
    why: str = ""
    """Why they are bare."""
    made_room: bool = False
    """Older pictures had to go."""


class Vault:
    """Keeps alerts below one folder. Belongs to one thread; every method raises `JournalError` and its kin."""

    def __init__(self, folder: Path, settings: JournalSettings, *, look_over: bool = False) -> None:
        """Lock the folder, open what is there, and see to what an earlier run left half done.

        `look_over`: look for damage in the database, for at most half a second.
        """
        self.removed: Counter[str] = Counter()
        """Alerts removed by cause (age, size), and ``pictures``: those whose pictures made room."""
        self._folder, self._settings = folder, settings
        self._files = PictureFiles(folder)
        self._lock = _lock(folder)
        try:
            self._store: Store = SqliteStore(folder, look_over=look_over)
        except BaseException:
            os.close(self._lock)
            raise
        try:
            self._files.prepare()
            self.orphans = self._files.sweep(self._store.recent_pictures())
            """Pictures that a crash had left without an alert."""
        except OSError as error:
            self.close()
            raise trouble(error, folder) from error
        except BaseException:
            self.close()
            raise

    def keep(self, messages: Sequence[AlertMessage], lost: Sequence[Lost] = ()) -> Kept:
        """Commit alerts, which are durable when this returns; nothing of them is kept when it raises."""
        before = self.removed["pictures"]
        refs, why = self._write(messages)
        alerts = [NewAlert(message.header, ref) for message, ref in zip(messages, refs, strict=True)]
        try:
            self._append(alerts, lost)
        except JournalError:
            self._discard(refs)
            raise
        for ref in refs:
            if ref is not None:
                with suppress(OSError):  # the next start does it
                    self._files.settle(ref.name)
        bare = sum(ref is None and bool(m.overlay_jpeg) for m, ref in zip(messages, refs, strict=True))
        bare = bare if self._settings.pictures else 0
        return Kept(len(alerts) - bare, bare, why, made_room=self.removed["pictures"] > before)

    def tidy(self) -> bool:
        """Remove some of what is too old or too much, in the order in which it came; False when nothing was."""
        try:
            if clear_aside(self._folder, self._settings.keep_s):
                return True
        except OSError as error:
            raise trouble(error, self._folder) from error
        totals = self._store.totals()
        excess = totals.bytes - self._settings.most_bytes
        oldest = self._store.oldest(_AT_ONCE)
        if excess <= 0 and (not oldest or self._store.age_s(oldest[0]) <= self._settings.keep_s):
            return False
        goes: list[OldAlert] = []
        for alert in oldest:  # in order: one that a set clock made to seem old does not go before its time
            too_old = self._store.age_s(alert) > self._settings.keep_s
            if excess <= 0 and not too_old:
                break
            goes.append(alert)
            excess -= alert.bytes
            self.removed["age" if too_old else "size"] += 1
        self._unlink(goes)
        self._store.remove(goes)
        return True

    def totals(self) -> Totals:
        """How much there is."""
        return self._store.totals()

    def unfinished(self, boot_id: str) -> list[tuple[Unfinished, tuple[bytes, bytes, bytes]]]:
        """Events of other runs that have no end, with the pictures of their latest alert, empty where not kept."""
        found = self._store.unfinished(boot_id)
        return [(each, (each.pictures and self._files.read(each.pictures)) or (b"", b"", b"")) for each in found]

    def close(self) -> None:
        """Release it; may be called twice."""
        self._store.close()
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)

    def _write(self, messages: Sequence[AlertMessage]) -> tuple[list[PictureRef | None], str]:
        refs: list[PictureRef | None] = []
        why = ""
        for message in messages:
            ref = None
            if self._settings.pictures and message.overlay_jpeg:
                try:
                    ref = self._write_one(message)
                except OSError as error:
                    why = str(trouble(error, self._folder))
                except JournalFull as error:
                    why = str(error)
            refs.append(ref)
        if any(refs):
            try:
                self._files.seal()
            except OSError as error:
                self._discard(refs)
                return [None] * len(refs), str(trouble(error, self._folder))
        return refs, why

    def _write_one(self, message: AlertMessage) -> PictureRef:
        size = on_disk(len(message.overlay_jpeg) + len(message.clean_jpeg) + len(message.heatmap_png))
        if size > self._room() and not self._make_room(size):
            raise JournalFull(f"{self._folder}: no room for pictures")
        try:
            return self._files.write(message)
        except OSError as error:
            # A quota, or somebody else who is filling the disk: what the disk said of its room was not so.
            if not isinstance(trouble(error, self._folder), JournalFull) or not self._give_up_pictures(2 * size):
                raise
            return self._files.write(message)

    def _append(self, alerts: Sequence[NewAlert], lost: Sequence[Lost]) -> None:
        try:
            self._store.append(alerts, lost)
        except JournalFull:
            if not self._give_up_pictures(1 << 20):
                raise
            self._store.append(alerts, lost)

    def _room(self) -> int:
        try:
            return room(self._folder)
        except OSError as error:
            raise trouble(error, self._folder) from error

    def _make_room(self, size: int) -> bool:
        """Give up old pictures until there is room for a new one, as far as one step may go."""
        for _ in range(2):
            if not self._give_up_pictures(size - self._room()):
                return False
            if self._room() >= size:
                return True
        return False

    def _give_up_pictures(self, size: int) -> bool:
        """Remove the oldest pictures, `size` bytes of them if there are so many; False when there is none left."""
        with suppress(OSError):
            if clear_aside(self._folder, 0.0, all_of_it=True):
                return True
        goes: list[OldAlert] = []
        for alert in self._store.oldest(_AT_ONCE, with_picture=True):
            goes.append(alert)
            size -= alert.bytes
            if size <= 0:
                break
        if not goes:
            return False
        self._unlink(goes)
        self.removed["pictures"] += len(goes)
        with suppress(JournalFull):  # what refers to files that are gone is found again, and forgotten, later
            self._store.strip(goes)
        return True

    def _unlink(self, alerts: Sequence[OldAlert]) -> None:
        try:
            for alert in alerts:
                if alert.picture is not None:
                    self._files.remove(alert.picture)
        except OSError as error:
            raise trouble(error, self._folder) from error

    def _discard(self, refs: Sequence[PictureRef | None]) -> None:
        for ref in refs:
            if ref is not None:
                with suppress(OSError):  # the next start does it
                    self._files.discard(ref.name)


def _lock(folder: Path) -> int:
    """Hold the folder for as long as the descriptor returned is open, or the process lives."""
    try:
        folder.mkdir(0o750, parents=True, exist_ok=True)
        # Not for writing: a descriptor that could write would keep the disk from being made read-only.
        lock = os.open(folder / "lock", os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise trouble(error, folder) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise JournalError(
            f"{folder}: another Vigil keeps its journal there: give each its own [journal] folder"
        ) from error
    return lock
