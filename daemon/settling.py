"""Files that are watched for changes, by asking the file system now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec


class ReloadSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When settings are read anew."""

    watch: bool = True
    """Whether a changed file (settings, profile, source_file) is noticed; SIGHUP always is."""
    settle_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 1.0
    """A changed file is read once nobody has written to it for so long."""
    shadow_frames: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 1500
    """A camera's new profile judges so many frames beside the old one before it takes over; 0: it does so at once."""


Signature: TypeAlias = tuple[int, int, int] | None
"""Of a file: when it was written, its size, its number on the disk. None: there is no such file."""


def signature(path: Path) -> Signature:
    """What tells one state of a file from another, for the price of a stat."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class Settling:
    """Tells when watched files have changed and then stood still for a moment: nobody is writing them any more."""

    def __init__(self, settle_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._settle_s = settle_s
        self._clock = clock
        self._taken: dict[Path, Signature] = {}
        self._seen: dict[Path, Signature] = {}
        self._seen_at = 0.0

    def take(self, paths: Iterable[Path]) -> None:
        """Watch these from now on; their present state is the one that is known. To be called before they are read."""
        self._taken = {path: signature(path) for path in paths}
        self._seen = self._taken

    def watch(self, paths: Iterable[Path]) -> None:
        """Watch these instead; what is known of those that were watched before stays."""
        self._taken = {path: self._taken.get(path, signature(path)) for path in paths}
        self._seen = self._taken

    def changed(self) -> bool:
        """Whether the files differ from what was taken, and have not been touched for the time to settle."""
        now, at = {path: signature(path) for path in self._taken}, self._clock()
        if now != self._seen:
            self._seen, self._seen_at = now, at
        return now != self._taken and at - self._seen_at >= self._settle_s
