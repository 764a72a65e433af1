"""What a process that ends badly leaves behind: a file with the cause and the stacks of its threads.

While the daemon runs the file is ``running-PID.txt``; an ordered end removes it. One that is found at the next start
was left by a crash: it is logged and kept as ``crash-TIME.txt``. Stacks name files and lines and hold no values.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, TextIO

_KEPT: Final = 10
_MOST_BYTES: Final = 200_000


def crash_folder(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Where crashes are kept: below systemd's StateDirectory=, else the user's own folder for state; None: nowhere."""
    given = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given) / "crashes"
    try:
        return Path(environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "vigil" / "crashes"
    except RuntimeError:  # the home of nobody
        return None


class CrashFile:
    """The trace of this process, should it crash. Without a folder that can be written, stderr takes its place."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / f"running-{os.getpid()}.txt"
        self._file: TextIO | None = None

    @property
    def file(self) -> TextIO:
        """Where stacks go."""
        return self._file or sys.stderr

    def open(self, version: str) -> None:
        """Begin the file, and have the interpreter write the stacks into it when it dies of a signal."""
        if self._path is not None:
            with suppress(OSError):  # a disk that is full or read-only must not keep cameras from being watched
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
                self._file = os.fdopen(os.open(self._path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o640), "w")
                began = time.strftime("%Y-%m-%dT%H:%M:%S%z")
                self.note(f"vigil {version}, process {os.getpid()}, began {began}")
        faulthandler.enable(self.file)

    def note(self, text: str) -> None:
        """Add a line, such as the cause of an end that is near."""
        if self._file is not None:
            with suppress(OSError):
                print(text, file=self._file, flush=True)

    def dump(self) -> None:
        """Write the stacks of all threads, to stderr too."""
        faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
        if self._file is not None:
            with suppress(OSError):
                faulthandler.dump_traceback(file=self._file, all_threads=True)

    def guard(self, within_s: float) -> None:
        """End the process, with its stacks in the file, unless this is called again, or `unguard`, in time.

        The interpreter's own watchdog thread does it, so that a native call which holds the interpreter's lock, and so
        stops every thread, is met too.
        """
        faulthandler.dump_traceback_later(within_s, exit=True, file=self.file)

    def unguard(self) -> None:
        """Take the guard back."""
        faulthandler.cancel_dump_traceback_later()

    def close(self, *, keep: bool) -> None:
        """End the file: it goes after an end in order, and stays after another."""
        self.unguard()
        faulthandler.disable()
        if self._file is None:
            return
        with suppress(OSError):
            self._file.close()
        if self._path is not None and not keep:
            self._path.unlink(missing_ok=True)
        self._file = None


def left_behind(folder: Path | None) -> list[tuple[Path, str]]:
    """What processes that are no more left behind, oldest first: each file, kept under its new name, and its text."""
    if folder is None:
        return []
    found = []
    for path in sorted(folder.glob("running-*.txt"), key=_written):
        if _runs(path):
            continue
        with suppress(OSError):
            text = path.read_bytes()[:_MOST_BYTES].decode(errors="replace")
            kept = path.with_name(
                time.strftime("crash-%Y%m%dT%H%M%S", time.gmtime(_written(path))) + f"-{_pid(path)}.txt"
            )
            path.rename(kept)
            found.append((kept, text))
    with suppress(OSError):
        for old in crashes(folder)[_KEPT:]:
            old.unlink()
    return found


def crashes(folder: Path | None) -> list[Path]:
    """The crashes that are kept, the latest first."""
    return [] if folder is None else sorted(folder.glob("crash-*.txt"), reverse=True)


def told(kept: Path, text: str) -> str:
    """In a line, what a crash was, and where the rest is."""
    lines = text.splitlines()[1:]
    if not lines:
        return "it was killed, or the machine went down: it had no time to say more"
    known = [line for line in lines if line.startswith(("cannot go on", "threads that did not end"))]
    if any(line.startswith("Timeout (") for line in lines):
        known.append("a native call let no thread run, and the process ended itself")
    known += [line for line in lines if line.startswith("Fatal Python error")]
    return f"{'; '.join(known) or lines[0]}; the stacks are in {kept}"


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _pid(path: Path) -> str:
    return path.stem.partition("-")[2]


def _runs(path: Path) -> bool:
    """Whether the process is still there. In a container every daemon has the same number: this one's own is past."""
    number = _pid(path)
    return number.isdigit() and int(number) != os.getpid() and Path("/proc", number).exists()
