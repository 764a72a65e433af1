"""Files that commands are asked to write."""

from __future__ import annotations

from pathlib import Path

from daemon.errors import SettingsError
from engines.quoting import shortened


def can_be_a_file(path: Path) -> bool:
    """Whether a file may lie there: in a folder that exists, by a name that the disk takes, and where no folder is."""
    try:
        return not path.is_dir() and path.parent.is_dir()
    except (OSError, ValueError):  # too long
        return False


def require_places(*paths: Path | None) -> None:
    """See before the long work that each of these may be written. Raises `SettingsError`."""
    for path in paths:
        if path is not None and not can_be_a_file(path):
            raise SettingsError(f"{shortened(path)}: expected a file in a folder that exists")
