"""SQLite as the store of alerts: write-ahead log, synced with every commit."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from engines.quoting import shortened
from pipelines.errors import JournalDamaged
from pipelines.headers import AlertHeader
from pipelines.journal.clock import JournalClock, uptime_s
from pipelines.journal.disk import on_disk
from pipelines.journal.sqlite import APPLICATION_ID, DATABASE, SCHEMA, VERSION, check_version, connect, explained
from pipelines.journal.store import Lost, NewAlert, OldAlert, PictureRef, Totals, Unfinished

_CHECK_S = 0.5
"""Longest look for contradictions at the start: a power cut leaves none, so this is for failing disks."""
_ROW_BYTES = 600
"""What an alert takes up in tables and indices beside its header."""
_MOST_BOOTS = 10_000
_RECENT = 10_000
_SPARE_PAGES = 1024
"""Free pages that the database keeps for what comes; more are given back to the disk, some at a time."""

_INSERT = """
INSERT OR IGNORE INTO alerts (boot_id, seq, camera, camera_seq, event_id, kept_s, kept_unix, bytes, picture, overlay,
    clean, heatmap, header) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_EVENT = """
INSERT INTO events (event_id, boot_id, camera, began_unix, duration_s, peak_score, threshold, alerts, end_reason,
    last_id) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?)
ON CONFLICT (event_id) DO UPDATE SET duration_s = max(duration_s, excluded.duration_s),
    peak_score = max(peak_score, excluded.peak_score), alerts = alerts + 1, end_reason = excluded.end_reason,
    last_id = excluded.last_id"""
_BOOT = """
INSERT INTO boots VALUES (?, ?, ?) ON CONFLICT (boot_id) DO UPDATE SET last_id = excluded.last_id"""
_OLDEST = "SELECT id, kept_s, bytes, picture FROM alerts {where} ORDER BY id LIMIT ?"
_TOTALS = "SELECT alerts, bytes, (SELECT kept_unix FROM alerts ORDER BY id LIMIT 1) FROM totals"
_UNFINISHED = """
SELECT header, picture, overlay, clean, heatmap
FROM events JOIN alerts ON alerts.id = events.last_id
WHERE events.end_reason IS NULL AND events.boot_id != ? ORDER BY events.last_id"""

_headers = msgspec.json.Decoder(AlertHeader)


class SqliteStore:
    """A `Store` in ``journal.db``; raises what that says, also when it is made."""

    def __init__(self, folder: Path, *, look_over: bool = False) -> None:
        """Open the database, or make it; `look_over`: look for contradictions in it, for at most half a second."""
        self._database = folder / DATABASE
        with explained(self._database):
            self._connection = connect(self._database, mode="rwc")
        try:
            with explained(self._database):
                self._set_up()
                if look_over:
                    self._look_over()
                self._clock = JournalClock.going_on(self._latest(), wall_s=time.time(), uptime_s=uptime_s())
        except BaseException:
            self.close()
            raise

    def append(self, alerts: Sequence[NewAlert], lost: Sequence[Lost] = ()) -> None:
        """Keep alerts, and remember what was lost before them. One that is there already is left as it is."""
        with self._transaction() as connection:
            for gap in lost:
                connection.execute(
                    "INSERT OR REPLACE INTO lost VALUES (?, ?, ?, ?)", (gap.boot_id, gap.first, gap.last, gap.reason)
                )
            for alert in alerts:
                self._insert(connection, alert)

    def totals(self) -> Totals:
        """How much there is."""
        with explained(self._database):
            return Totals(*self._connection.execute(_TOTALS).fetchone())

    def age_s(self, alert: OldAlert) -> float:
        """How old an alert is, by the journal's own clock."""
        return self._clock.read(uptime_s()) - alert.kept_s

    def oldest(self, most: int, *, with_picture: bool = False) -> list[OldAlert]:
        """The alerts that came first, or those of them that still have their pictures."""
        where = "WHERE picture IS NOT NULL" if with_picture else ""
        with explained(self._database):
            return [OldAlert(*row) for row in self._connection.execute(_OLDEST.format(where=where), (most,))]

    def remove(self, alerts: Sequence[OldAlert]) -> None:
        """Forget alerts whose picture files are gone."""
        if not alerts:
            return
        last = alerts[-1].id
        with self._transaction() as connection:
            ids = [(alert.id,) for alert in alerts]
            connection.executemany("DELETE FROM alerts WHERE id = ?", ids)
            connection.execute("DELETE FROM events WHERE last_id <= ?", (last,))
            self._count(connection, -len(alerts), -sum(alert.bytes for alert in alerts))
            connection.execute(
                "DELETE FROM boots WHERE last_id <= ? AND "
                "first_id < (SELECT first_id FROM boots ORDER BY first_id DESC LIMIT 1 OFFSET ?)",
                (last, _MOST_BOOTS),
            )
            connection.execute("DELETE FROM lost WHERE boot_id NOT IN (SELECT boot_id FROM boots)")
        self._give_back()

    def strip(self, alerts: Sequence[OldAlert]) -> None:
        """Forget the pictures of alerts, and no more."""
        with self._transaction() as connection:
            for alert in alerts:
                size = connection.execute(
                    "SELECT overlay + clean + heatmap FROM alerts WHERE id = ? AND picture IS NOT NULL", (alert.id,)
                ).fetchone()
                if size is not None:
                    saved = on_disk(size[0])
                    connection.execute(
                        "UPDATE alerts SET picture = NULL, overlay = 0, clean = 0, heatmap = 0, bytes = bytes - ? "
                        "WHERE id = ?",
                        (saved, alert.id),
                    )
                    self._count(connection, 0, -saved)

    def recent_pictures(self) -> set[str]:
        """Files of the latest alerts, more of them than a power cut can have left unsettled."""
        with explained(self._database):
            rows = self._connection.execute("SELECT picture FROM alerts ORDER BY id DESC LIMIT ?", (_RECENT,))
            return {row[0] for row in rows if row[0] is not None}

    def unfinished(self, boot_id: str) -> list[Unfinished]:
        """Events without an end, of runs other than `boot_id`."""
        with explained(self._database):
            rows = self._connection.execute(_UNFINISHED, (boot_id,)).fetchall()
        try:
            return [_unfinished(row) for row in rows]
        except msgspec.MsgspecError as error:
            raise JournalDamaged(f"{self._database}: a header in it is none: {shortened(error)}") from error

    def close(self) -> None:
        """Release it; may be called twice, and raises nothing."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def _set_up(self) -> None:
        connection = self._connection
        exists = check_version(connection, self._database)
        if not exists:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 256")
        if not exists:
            marks = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
            connection.executescript(f"BEGIN; {SCHEMA} {marks} COMMIT;")

    def _look_over(self) -> None:
        connection, until = self._connection, time.monotonic() + _CHECK_S
        connection.set_progress_handler(lambda: time.monotonic() > until, 10_000)
        try:
            found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            found = "ok"  # as far as there was time to look
        finally:
            connection.set_progress_handler(None, 0)
        if found != "ok":
            raise JournalDamaged(f"{self._database}: {found}")

    def _latest(self) -> tuple[float, float] | None:
        found = self._connection.execute("SELECT kept_s, kept_unix FROM alerts ORDER BY id DESC LIMIT 1").fetchone()
        return None if found is None else (found[0], found[1])

    def _insert(self, connection: sqlite3.Connection, alert: NewAlert) -> None:
        header, ref = alert.header, alert.pictures or PictureRef("", 0, 0, 0)
        text = msgspec.json.encode(header)
        size = len(text) + _ROW_BYTES + on_disk(ref.size)
        now_s, now_unix = self._clock.read(uptime_s()), time.time()
        names = (header.boot_id, header.seq, header.camera, header.camera_seq, header.event_id)
        picture = (ref.name or None, ref.overlay, ref.clean, ref.heatmap)
        done = connection.execute(_INSERT, (*names, now_s, now_unix, size, *picture, text))
        if done.rowcount == 0:
            return
        number = done.lastrowid
        event = (header.event_id, header.boot_id, header.camera, header.began_unix, header.duration_s)
        connection.execute(_EVENT, (*event, header.peak_score, header.threshold, header.end_reason, number))
        connection.execute(_BOOT, (header.boot_id, number, number))
        self._count(connection, 1, size)

    def _count(self, connection: sqlite3.Connection, alerts: int, size: int) -> None:
        connection.execute("UPDATE totals SET alerts = alerts + ?, bytes = bytes + ?", (alerts, size))

    def _give_back(self) -> None:
        """Shorten the database file by some pages when many of them are free."""
        with explained(self._database):
            spare = int(self._connection.execute("PRAGMA freelist_count").fetchone()[0])
            if spare > _SPARE_PAGES:
                self._connection.execute("PRAGMA incremental_vacuum(64)").fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with explained(self._database):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise


def _unfinished(row: tuple[bytes, str | None, int, int, int]) -> Unfinished:
    header, picture, overlay, clean, heatmap = row
    ref = None if picture is None else PictureRef(picture, overlay, clean, heatmap)
    return Unfinished(_headers.decode(header), ref)
