"""What a disk says when something cannot be written to it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from engines.quoting import shortened
from pipelines.errors import JournalError, JournalFull, JournalReadOnly

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_MOST_RESERVE = 16 << 20
_BLOCK = 4096


def room(folder: Path) -> int:
    """Bytes that pictures may still take: what is free, less a reserve for headers. Negative when that is touched."""
    told = os.statvfs(folder)
    return told.f_bavail * told.f_frsize - min(_MOST_RESERVE, told.f_blocks * told.f_frsize // 50)


def on_disk(size: int) -> int:
    """Bytes that a file of `size` takes up."""
    return -(-size // _BLOCK) * _BLOCK


def trouble(error: OSError, folder: Path) -> JournalError:
    """An error of the disk in the journal's own words."""
    if error.errno in _FULL:
        return JournalFull(f"{shortened(folder)}: the disk is full")
    if error.errno == errno.EROFS:
        return JournalReadOnly(f"{shortened(folder)}: the disk is read-only")
    return JournalError(f"{shortened(folder)}: {error.strerror or type(error).__name__}")


def suspect(folder: Path, text: str) -> JournalError:
    """What is behind a database error that does not say: the disk's state tells, else `text` stands."""
    try:
        told = os.statvfs(folder)
    except OSError as error:
        return trouble(error, folder)
    if told.f_flag & os.ST_RDONLY:
        return JournalReadOnly(f"{shortened(folder)}: the disk is read-only")
    if told.f_bavail * told.f_frsize < _BLOCK * 16:
        return JournalFull(f"{shortened(folder)}: the disk is full")
    return JournalError(f"{shortened(folder)}: {text}")
