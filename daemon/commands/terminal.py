"""stdout for results, stderr for what goes on meanwhile."""

from __future__ import annotations

import sys
from typing import TextIO

import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


def results() -> Console:
    """What writes the result for people to stdout."""
    return _console(sys.stdout)


def notes() -> Console:
    """What writes progress and remarks to stderr."""
    return _console(sys.stderr)


def _console(stream: TextIO) -> Console:
    """A file or pipe has no width: lines stay whole there, and tables get room."""
    if stream.isatty():
        return Console(file=stream, highlight=False)
    return Console(file=stream, highlight=False, soft_wrap=True, width=160)


def write_json(value: object) -> None:
    """Write one line of JSON to stdout, at once."""
    sys.stdout.write(msgspec.json.encode(value, order="deterministic").decode() + "\n")
    sys.stdout.flush()


def progress_bar() -> Progress:
    """A bar with frames done, their total where it is known, and the time; shown on a terminal only."""
    columns: list[ProgressColumn] = [
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    ]
    console = notes()
    return Progress(*columns, console=console, transient=False, disable=not console.is_terminal)
