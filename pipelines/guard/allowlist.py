"""The folder of keys: who may connect, read again when it changes."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pipelines.errors import KeysError
from pipelines.guard.keyfiles import is_key_name, read_public

_log = logging.getLogger("vigil.guard")

ALLOWED, REVOKED = "allowed", "revoked"
"""Folders of public keys, NAME.key; what lies in both is revoked."""
_ENDING = ".key"

Seen = tuple[tuple[str, int, int, int], ...]


class AllowList:
    """Public keys (Z85) by name, as they lie in ``FOLDER/allowed``; those in ``FOLDER/revoked`` are not let in.

    For one thread. Reading never raises: a file that is no key lets nobody in, and is told in the log.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[str, Seen] = {}
        self._names: dict[str, Mapping[bytes, str]] = {ALLOWED: {}, REVOKED: {}}
        self._unreadable = ""

    @property
    def names(self) -> Mapping[bytes, str]:
        """The name of each key that may connect."""
        revoked = self._names[REVOKED]
        return MappingProxyType({key: name for key, name in self._names[ALLOWED].items() if key not in revoked})

    def allows(self, key: bytes) -> str | None:
        """The name of a key that may connect; None for one that may not."""
        return None if key in self._names[REVOKED] else self._names[ALLOWED].get(key)

    def revoked(self, key: bytes) -> str | None:
        """The name of a key that has been revoked."""
        return self._names[REVOKED].get(key)

    def reload(self) -> bool:
        """Look at the files, and read them when one has changed; whether they have. Costs a stat for each file."""
        changed = [self._look(part) for part in (ALLOWED, REVOKED)]
        return any(changed)

    def _look(self, part: str) -> bool:
        try:
            seen = _listing(self._folder / part)
        except FileNotFoundError:
            seen = ()  # nobody is allowed, or revoked
        except OSError as error:
            self._complain(f"{self._folder / part} cannot be read ({error.strerror}); the keys known so far stay")
            return False
        if seen == self._seen.get(part):
            return False
        self._seen[part] = seen
        self._names[part] = {key: name for name, *_ in seen if (key := self._read(part, name)) is not None}
        return True

    def _read(self, part: str, name: str) -> bytes | None:
        try:
            return read_public(self._folder / part / f"{name}{_ENDING}")
        except KeysError as error:
            _log.warning("a key is left out: %s", error)
            return None

    def _complain(self, told: str) -> None:
        if told != self._unreadable:
            self._unreadable = told
            _log.error("%s", told)


def _listing(folder: Path) -> Seen:
    with os.scandir(folder) as entries:
        found = [(entry.name.removesuffix(_ENDING), entry) for entry in entries if entry.name.endswith(_ENDING)]
    named = [(name, entry.stat()) for name, entry in found if is_key_name(name)]
    return tuple(sorted((name, stat.st_mtime_ns, stat.st_size, stat.st_ino) for name, stat in named))
