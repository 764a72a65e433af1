"""The journal's database in SQLite: what is the same for who writes it and who reads it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipelines.errors import JournalDamaged, JournalError, JournalFull, JournalReadOnly
from pipelines.journal.disk import suspect

DATABASE: Final = "journal.db"
APPLICATION_ID: Final = 0x5649474A
"""``VIGJ``: what `file` shows of the database."""
VERSION: Final = 1

SCHEMA: Final = """
CREATE TABLE boots (
    boot_id TEXT PRIMARY KEY,
    first_id INTEGER NOT NULL,
    last_id INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE alerts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    boot_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    camera TEXT NOT NULL,
    camera_seq INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    kept_s REAL NOT NULL,
    kept_unix REAL NOT NULL,
    bytes INTEGER NOT NULL,
    picture TEXT,
    overlay INTEGER NOT NULL DEFAULT 0,
    clean INTEGER NOT NULL DEFAULT 0,
    heatmap INTEGER NOT NULL DEFAULT 0,
    header BLOB NOT NULL,
    UNIQUE (boot_id, seq)
);
CREATE INDEX alerts_by_camera ON alerts (camera);
CREATE INDEX alerts_by_event ON alerts (event_id);
CREATE INDEX alerts_with_picture ON alerts (id) WHERE picture IS NOT NULL;
CREATE TABLE events (
    event_id TEXT PRIMARY KEY,
    boot_id TEXT NOT NULL,
    camera TEXT NOT NULL,
    began_unix REAL NOT NULL,
    duration_s REAL NOT NULL,
    peak_score REAL NOT NULL,
    threshold REAL NOT NULL,
    alerts INTEGER NOT NULL,
    end_reason TEXT,
    last_id INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX events_by_time ON events (began_unix);
CREATE INDEX events_by_camera ON events (camera, began_unix);
CREATE INDEX events_by_last ON events (last_id);
CREATE INDEX events_open ON events (boot_id) WHERE end_reason IS NULL;
CREATE TABLE lost (
    boot_id TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (boot_id, first)
) WITHOUT ROWID;
CREATE TABLE totals (alerts INTEGER NOT NULL, bytes INTEGER NOT NULL);
INSERT INTO totals VALUES (0, 0);
"""
"""`alerts.id` is the order in which alerts were published, over all runs. `boots` outlives the alerts, so that
the place of a subscriber that was away for long is still known."""

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})


def connect(database: Path, *, mode: str) -> sqlite3.Connection:
    """A connection that begins transactions when told to; `mode` as in SQLite's URIs. Raises sqlite3.Error."""
    uri = f"{database.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=2.0)


def check_version(connection: sqlite3.Connection, database: Path) -> bool:
    """Whether there is a journal in the database yet. Raises `JournalError` for what is none, or is of the future."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise JournalError(f"{database}: made by a newer Vigil (format {version}, this one reads {VERSION})")
    found = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if version == 0 and tables == 0:
        return False
    if found != APPLICATION_ID:
        raise JournalDamaged(f"{database}: is no journal of Vigil's")
    return True


@contextmanager
def explained(database: Path) -> Iterator[None]:
    """Raise what the database says of what is done in here as a `JournalError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(error, database) from error


def explain(error: sqlite3.Error, database: Path) -> JournalError:
    """A database error in the journal's own words."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    text = " ".join(str(error).split())
    if code == sqlite3.SQLITE_FULL:
        return JournalFull(f"{database.parent}: the disk is full")
    if code in _DAMAGED:
        return JournalDamaged(f"{database}: {text}")
    found = suspect(database.parent, text)
    if code == sqlite3.SQLITE_READONLY and not isinstance(found, JournalReadOnly | JournalFull):
        return JournalReadOnly(f"{database}: may not be written: {text}")
    return found
