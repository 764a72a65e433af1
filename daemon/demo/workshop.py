"""Has clips rendered and cameras learnt, on all cores at once."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from daemon.demo.child import Child

_TICK_S = 0.1
_PROGRESS = re.compile(r"(\d+) (\d+) (.*)")


@dataclass(slots=True, eq=False, kw_only=True)
class Job:
    """A process that makes a file. It writes lines ``DONE TOTAL WHAT`` to stdout, and others for people."""

    name: str
    """What it does, for people."""
    arguments: Sequence[str | Path]
    log: Path
    needs: Sequence[Job] = ()
    """Jobs that must have finished before."""
    done: int = 0
    total: int | None = None
    what: str = ""
    """What it is at."""
    said: list[str] = field(default_factory=list)
    finished: bool = False

    @property
    def ready(self) -> bool:
        """Whether it can begin."""
        return all(one.finished for one in self.needs)

    def hear(self, lines: Sequence[str]) -> None:
        """Take what it wrote."""
        for line in lines:
            if found := _PROGRESS.fullmatch(line):
                self.done, self.total, self.what = int(found[1]), int(found[2]) or None, found[3]
            else:
                self.said.append(line)


class Workshop:
    """Does jobs in the order given, as many at a time as there are cores. Nothing of it runs by itself."""

    def __init__(self, jobs: Sequence[Job], at_once: int) -> None:
        self._at_once = at_once
        self._waiting = deque(jobs)
        self._running: dict[Job, Child] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self._running.values():
            child.end()

    def finish(self, jobs: Sequence[Job], show: Callable[[], None]) -> None:
        """Wait until these jobs are finished, calling `show` many times a second; others go on meanwhile.

        Raises:
            ChildFailed: A job failed.
        """
        while not all(job.finished for job in jobs):
            self._step()
            show()
            time.sleep(_TICK_S)

    def _step(self) -> None:
        """Start, follow and end processes."""
        for job, child in list(self._running.items()):
            ended = child.code is not None  # asked first: what it wrote before is then there to be read
            job.hear(child.lines())
            if ended:
                child.require_success()
                child.end()
                del self._running[job]
                job.finished = True
        while len(self._running) < self._at_once and (begun := self._next()) is not None:
            self._running[begun] = Child(begun.name, begun.arguments, begun.log)

    def _next(self) -> Job | None:
        job = next((one for one in self._waiting if one.ready), None)
        if job is not None:
            self._waiting.remove(job)
        return job
