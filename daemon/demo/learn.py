"""``vigil enrol`` for the demonstration, which learns several cameras at a time: progress comes as plain lines."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.progress import Progress, TaskID

from daemon.commands.enrol import EnrolOptions, enrol
from daemon.commands.terminal import notes
from daemon.errors import EXIT_OK, exit_code
from engines.errors import VigilError

_EVERY_S = 0.2


def main(arguments: Sequence[str] | None = None) -> int:
    """Enrol one clip; returns the exit code that `vigil enrol` would have."""
    parser = argparse.ArgumentParser(prog="python -m daemon.demo.learn", description=__doc__)
    parser.add_argument("source")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--fps", type=float, required=True)
    parser.add_argument("--false-alarms-per-day", type=float, required=True)
    given = parser.parse_args(arguments)
    options = EnrolOptions(
        sources=(given.source,), sources_file=None, out=given.out, minutes=None, fps=given.fps,
        false_alarms_per_day=given.false_alarms_per_day, as_json=False,
    )  # fmt: skip
    try:
        enrol(options, PlainProgress())
    except VigilError as error:
        notes().print(f"vigil: {error}", markup=False)
        return exit_code(error)
    return EXIT_OK


class PlainProgress(Progress):
    """A progress bar that draws nothing, and writes ``DONE TOTAL WHAT`` to stdout now and then."""

    def __init__(self) -> None:
        super().__init__(disable=True)
        self._told_s = 0.0

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """Take in how far a task is, as its base does."""
        super().update(task_id, **changes)
        now_s = time.monotonic()
        if now_s - self._told_s >= _EVERY_S:
            self._told_s = now_s
            task = self._tasks[task_id]
            sys.stdout.write(f"{task.completed:.0f} {task.total or 0:.0f} {task.description}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
