"""Pictures of alerts as files, of which each is there whole or not at all.

An alert's pictures are one file: the overlay, then the clean picture, then the heat map. Viewers stop at the end of
the first, so the file opens anywhere as the overlay. It is written into ``incoming/`` and synced; then its alert is
committed to the database; then it is moved to ``pictures/DAY/``. Whatever is cut off in between lies in ``incoming/``
alone, where `sweep` moves on or removes it at the next start, without looking through all that is kept.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pipelines.journal.store import PictureRef
from pipelines.wire import AlertMessage

_UNSAFE = re.compile(r"[^A-Za-z0-9-]+")
_FILE_MODE, _FOLDER_MODE = 0o640, 0o750


class PictureFiles:
    """The files below a journal's folder. Methods raise OSError; `read` alone may be used by several at once."""

    def __init__(self, folder: Path) -> None:
        """Nothing is touched until `prepare`."""
        self.folder = folder
        self._kept = folder / "pictures"
        self._incoming = folder / "incoming"
        self._days: set[str] = set()

    def prepare(self) -> None:
        """Make the folders."""
        for folder in (self._kept, self._incoming):
            folder.mkdir(_FOLDER_MODE, parents=True, exist_ok=True)

    def write(self, message: AlertMessage) -> PictureRef:
        """Write an alert's pictures into ``incoming/``, synced; half a file does not stay."""
        header = message.header
        day = datetime.fromtimestamp(header.captured_unix, UTC).strftime("%Y-%m-%d")
        parts = (message.overlay_jpeg, message.clean_jpeg, message.heatmap_png)
        name = f"{day}/{_UNSAFE.sub('-', header.boot_id)}-{header.seq:06d}.jpg"
        path = self._waiting(name)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _FILE_MODE)
            try:
                for part in parts:
                    _write_all(descriptor, part)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            with suppress(OSError):
                path.unlink()
            raise
        return PictureRef(name, *(len(part) for part in parts))

    def seal(self) -> None:
        """Make the names of what was written as durable as its content."""
        _sync_folder(self._incoming)

    def settle(self, name: str) -> None:
        """Move a file to its place, after its alert was committed. If that is cut off, `sweep` will do it."""
        day = name.partition("/")[0]
        if day not in self._days:
            (self._kept / day).mkdir(_FOLDER_MODE, exist_ok=True)
            self._days = {day}
        try:
            self._waiting(name).rename(self._kept / name)
        except FileNotFoundError:  # somebody tidied up the day's folder
            (self._kept / day).mkdir(_FOLDER_MODE, exist_ok=True)
            self._waiting(name).rename(self._kept / name)

    def discard(self, name: str) -> None:
        """Remove a file whose alert was not committed."""
        with suppress(FileNotFoundError):
            self._waiting(name).unlink()

    def remove(self, name: str) -> None:
        """Remove a kept file, and the day's folder with the last of it."""
        for path in (self._kept / name, self._waiting(name)):
            with suppress(FileNotFoundError):
                path.unlink()
        day = (self._kept / name).parent
        with suppress(OSError):  # there are others
            day.rmdir()
            self._days.discard(day.name)

    def read(self, ref: PictureRef) -> tuple[bytes, bytes, bytes] | None:
        """Overlay, clean picture and heat map; None when the file is gone or is not what it was."""
        for path in (self._kept / ref.name, self._waiting(ref.name)):
            with suppress(OSError):
                data = path.read_bytes()
                if len(data) == ref.size:
                    second = ref.overlay + ref.clean
                    return data[: ref.overlay], data[ref.overlay : second], data[second:]
        return None

    def path(self, ref: PictureRef) -> Path:
        """Where the file lies, or is about to."""
        return self._kept / ref.name

    def sweep(self, kept: Collection[str]) -> int:
        """See to what an earlier run left in ``incoming/``; returns how many files were of no alert and removed."""
        orphans = 0
        for path in sorted(self._incoming.iterdir()):
            name = path.name.replace("_", "/", 1)
            if name in kept:
                self.settle(name)
            else:
                path.unlink()
                orphans += 1
        return orphans

    def _waiting(self, name: str) -> Path:
        return self._incoming / name.replace("/", "_", 1)


def remove_files(root: Path, most: int) -> bool:
    """Remove up to `most` files below a folder, and the folder once it is empty; True when nothing is left of it."""
    left = most
    for folder, _, names in os.walk(root, topdown=False):
        for path in _within(folder, names):
            if left == 0:
                return False
            path.unlink()
            left -= 1
        Path(folder).rmdir()
    return True


def _within(folder: str, names: Iterable[str]) -> Iterable[Path]:
    return (Path(folder) / name for name in names)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
