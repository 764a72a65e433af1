"""What becomes of a journal whose database is damaged: it is set aside whole, for people to look at, one at a time."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pipelines.journal.pictures import remove_files
from pipelines.journal.sqlite import DATABASE

_log = logging.getLogger("vigil.journal")

_START, _STAMP = "damaged-", "%Y%m%dT%H%M%S.%f"
_AT_ONCE = 64


def set_aside(folder: Path, why: str) -> Path:
    """Move database and pictures into a folder of their own; returns it. Raises OSError."""
    stamp = datetime.now(UTC).strftime(_STAMP)
    target = folder / f"{_START}{stamp}"
    target.mkdir(0o750)
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", "pictures", "incoming"):
        with suppress(FileNotFoundError):
            (folder / name).rename(target / name)
    _log.error("the journal is damaged (%s): set aside as %s, a new one is begun", why, target)
    return target


def clear_aside(folder: Path, keep_s: float, *, all_of_it: bool = False) -> bool:
    """Remove some files of damaged journals: of older ones than the latest, and of one that is older than `keep_s`.

    With `all_of_it`, of the latest too. True when something was removed. Raises OSError.
    """
    found = sorted(path for path in folder.glob(f"{_START}*") if path.is_dir())
    if found and not all_of_it and _age_s(found[-1]) < keep_s:
        found.pop()
    if not found:
        return False
    remove_files(found[0], _AT_ONCE)
    return True


def _age_s(path: Path) -> float:
    try:
        since = datetime.strptime(path.name.removeprefix(_START), _STAMP).replace(tzinfo=UTC)
    except ValueError:  # somebody renamed it: it is theirs
        return 0.0
    return time.time() - since.timestamp()
