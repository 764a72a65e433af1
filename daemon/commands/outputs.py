"""Files that commands are asked to write."""

from __future__ import annotations

from pathlib import Path


def can_be_a_file(path: Path) -> bool:
    """Whether a file may lie there: in a folder that exists, by a name that the disk takes, and where no folder is."""
    try:
        return not path.is_dir() and path.parent.is_dir()
    except (OSError, ValueError):  # too long
        return False
