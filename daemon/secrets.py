"""Files that settings name for what must not stand in them: passwords, keys, tokens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from daemon.errors import SettingsError
from pipelines.redact import shown

_CREDENTIALS = "CREDENTIALS_DIRECTORY"
_MOST_BYTES = 65_536


def secret_path(base: Path, written: str, where: str, environ: Mapping[str, str]) -> Path:
    """The file meant: relative to `base`, or a systemd credential, ``$CREDENTIALS_DIRECTORY/NAME``.

    Raises `SettingsError`, which begins with `where`, outside systemd.
    """
    start = f"${_CREDENTIALS}/"
    if not written.startswith(start):
        return base / written
    folder = environ.get(_CREDENTIALS)
    if folder is None:
        raise SettingsError(f"{where}: ${_CREDENTIALS} is set by systemd only; use LoadCredential= or another file")
    return Path(folder) / written.removeprefix(start)


def first_line(file: Path, where: str, what: str) -> str:
    """What stands on the first line, without blanks around it; it is in no error. Raises `SettingsError`."""
    try:
        with file.open(encoding="utf-8") as opened:
            line = opened.readline(_MOST_BYTES)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise SettingsError(f"{where}: {shown(file)} cannot be read: {reason}") from None
    if not line.strip():
        raise SettingsError(f"{where}: expected {what} on the first line of {shown(file)}, got an empty line")
    return line.strip()
