"""Reads the journal beside the daemon that writes it, without holding that up."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from engines.quoting import shortened
from pipelines.errors import JournalDamaged, JournalError
from pipelines.headers import AlertHeader
from pipelines.journal.pictures import PictureFiles
from pipelines.journal.sqlite import DATABASE, check_version, connect, explained
from pipelines.journal.store import Lost, PictureRef
from pipelines.position import Position
from pipelines.wire import ALERT_TOPIC

_headers = msgspec.json.Decoder(AlertHeader)


@dataclass(frozen=True, slots=True)
class KeptAlert:
    """An alert in the journal."""

    id: int
    """Its place: alerts were published in this order, over all runs."""
    camera: str
    header_json: bytes
    pictures: PictureRef | None

    @property
    def header(self) -> AlertHeader:
        """Its header. Raises `JournalDamaged`."""
        try:
            return _headers.decode(self.header_json)
        except msgspec.MsgspecError as error:
            raise JournalDamaged(f"alert {self.id} of the journal has no header: {shortened(error)}") from error


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An event in the journal."""

    event_id: str
    camera: str
    began_unix: float
    duration_s: float
    peak_score: float
    threshold: float
    alerts: int
    end_reason: str | None
    """None while it goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which events: all that fit every condition given."""

    camera: str | None = None
    since_unix: float | None = None
    until_unix: float | None = None
    """Begun before."""
    min_score: float | None = None
    """Highest score at least this."""
    event_id: str | None = None
    most: int | None = None
    """The latest so many."""


_ALERT = "SELECT id, camera, header, picture, overlay, clean, heatmap FROM alerts"
_EVENT = "SELECT event_id, camera, began_unix, duration_s, peak_score, threshold, alerts, end_reason FROM events"
_CONDITIONS = {
    "camera": "camera = ?",
    "since_unix": "began_unix + duration_s >= ?",
    "until_unix": "began_unix < ?",
    "min_score": "peak_score >= ?",
    "event_id": "event_id = ?",
}


class JournalReader:
    """The journal below a folder, read-only. A context manager, for one thread; every method raises `JournalError`."""

    def __init__(self, folder: Path) -> None:
        """Open the database, which a daemon may be writing at the same time."""
        self._database = folder / DATABASE
        self._files = PictureFiles(folder)
        if not self._database.is_file():
            raise JournalError(f"{folder}: there is no journal in it")
        self._inode = self._stat()
        with explained(self._database):
            self._connection = self._connect()
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_current(self) -> bool:
        """Whether this is still the journal: a damaged one is set aside and begun anew."""
        return self._stat() == self._inode

    def place_of(self, position: Position) -> int | None:
        """The id after which all alerts come that follow a position; None when its run is not known here."""
        with explained(self._database):
            row = self._connection.execute(
                "SELECT id FROM alerts WHERE boot_id = ? AND seq <= ? ORDER BY seq DESC LIMIT 1",
                (position.boot_id, position.seq),
            ).fetchone()
            if row is None:
                row = self._connection.execute(
                    "SELECT first_id - 1 FROM boots WHERE boot_id = ?", (position.boot_id,)
                ).fetchone()
        return None if row is None else int(row[0])

    def after(self, place: int, most: int, camera: str | None = None) -> list[KeptAlert]:
        """The next alerts after an id, at most so many, in order."""
        mine = "" if camera is None else "AND camera = ?"
        values = (place, most) if camera is None else (place, camera, most)
        return self._alerts(f"WHERE id > ? {mine} ORDER BY id LIMIT ?", values)

    def alerts_of(self, event_id: str) -> list[KeptAlert]:
        """Every alert of an event, in order."""
        return self._alerts("WHERE event_id = ? ORDER BY id", (event_id,))

    def events(self, query: Query) -> list[KeptEvent]:
        """Events by the time at which they began, the latest last."""
        chosen = {text: getattr(query, name) for name, text in _CONDITIONS.items() if getattr(query, name) is not None}
        where = f"WHERE {' AND '.join(chosen)}" if chosen else ""
        limit = "" if query.most is None else f"LIMIT {int(query.most)}"
        with explained(self._database):
            rows = self._connection.execute(
                f"{_EVENT} {where} ORDER BY began_unix DESC, event_id DESC {limit}",
                tuple(chosen.values()),
            ).fetchall()
        return [KeptEvent(*row) for row in reversed(rows)]

    def lost(self) -> list[Lost]:
        """Numbers that are known never to have been kept."""
        with explained(self._database):
            rows = self._connection.execute("SELECT boot_id, first, last, reason FROM lost ORDER BY boot_id, first")
            return [Lost(*row) for row in rows]

    def pictures(self, alert: KeptAlert) -> tuple[bytes, bytes, bytes]:
        """Overlay, clean picture and heat map; all empty when they are not kept."""
        return (alert.pictures and self._files.read(alert.pictures)) or (b"", b"", b"")

    def picture_file(self, alert: KeptAlert) -> Path | None:
        """The file that holds them and opens as the overlay, if they are kept."""
        return None if alert.pictures is None else self._files.path(alert.pictures)

    def parts(self, alert: KeptAlert) -> list[bytes]:
        """The five parts of the alert as it was published."""
        return [f"{ALERT_TOPIC}{alert.camera}".encode(), alert.header_json, *self.pictures(alert)]

    def close(self) -> None:
        """Release it."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = connect(self._database, mode="ro")
        try:
            connection.execute("PRAGMA query_only = 1")
            connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
        except sqlite3.OperationalError:
            # On a read-only disk, or for another user, the shared memory of the log cannot be made. Where there is no
            # log there is no daemon either, and the file alone is the whole journal.
            connection.close()
            log = self._database.with_name(f"{DATABASE}-wal")
            if log.exists() and log.stat().st_size:
                raise
            return sqlite3.connect(f"{self._database.absolute().as_uri()}?immutable=1", uri=True, isolation_level=None)
        return connection

    def _check(self) -> None:
        with explained(self._database):
            if not check_version(self._connection, self._database):
                raise JournalError(f"{self._database.parent}: the journal is being made")

    def _alerts(self, rest: str, values: Sequence[Any]) -> list[KeptAlert]:
        with explained(self._database):
            rows = self._connection.execute(f"{_ALERT} {rest}", values).fetchall()
        return [_alert(row) for row in rows]

    def _stat(self) -> tuple[int, int]:
        try:
            found = self._database.stat()
        except OSError:
            return (0, 0)
        return (found.st_dev, found.st_ino)


def _alert(row: tuple[int, str, bytes, str | None, int, int, int]) -> KeptAlert:
    number, camera, header, picture, overlay, clean, heatmap = row
    ref = None if picture is None else PictureRef(picture, overlay, clean, heatmap)
    return KeptAlert(number, camera, bytes(header), ref)
