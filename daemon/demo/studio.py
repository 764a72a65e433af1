"""Has clips rendered, several at a time, while other work goes on."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from daemon.demo.child import Child
from daemon.demo.programme import Programme

_TICK_S = 0.1


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Shot:
    """A clip to be rendered."""

    view: int
    watched: bool
    """With anomalies, on another day than the normal footage."""
    seconds: float
    fps: float
    path: Path
    log: Path

    def arguments(self, programme: Programme) -> list[str | Path]:
        """The process that renders it."""
        width, height = programme.size
        plain: list[str | Path] = [
            "daemon.demo.render", self.path, f"--view={self.view}", f"--seconds={self.seconds:g}",
            f"--fps={self.fps:g}", f"--width={width}", f"--height={height}",
        ]  # fmt: skip
        return [*plain, "--plant", *(f"{at_s:g}" for at_s in programme.planted_s)] if self.watched else plain


class Studio:
    """Renders shots in the order given. `step` starts, follows and ends processes and returns at once."""

    def __init__(self, programme: Programme, shots: Sequence[Shot]) -> None:
        self.done: dict[Path, int] = {shot.path: 0 for shot in shots}
        """Frames rendered, by clip."""
        self.total = {shot.path: max(1, round(shot.seconds * shot.fps)) for shot in shots}
        self.finished: set[Path] = set()
        self._programme = programme
        self._waiting = deque(shots)
        self._running: dict[Path, Child] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self._running.values():
            child.end()

    def step(self, at_once: int) -> None:
        """See to the processes, at most `at_once` of them.

        Raises:
            ChildFailed: One of them failed.
        """
        for path, child in list(self._running.items()):
            ended = child.code is not None
            for line in child.lines():
                self.done[path] = int(line)
            if ended:
                child.require_success()
                child.end()
                del self._running[path]
                self.finished.add(path)
        while self._waiting and len(self._running) < at_once:
            shot = self._waiting.popleft()
            name = f"the rendering of {shot.path.name}"
            self._running[shot.path] = Child(name, shot.arguments(self._programme), shot.log)

    def finish(self, paths: Sequence[Path], at_once: int, show: Callable[[], None]) -> None:
        """Wait until these clips are rendered, calling `show` many times a second."""
        while not self.finished.issuperset(paths):
            self.step(at_once)
            show()
            time.sleep(_TICK_S)
        show()
