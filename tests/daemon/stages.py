"""Small real stages for tests of what runs stages."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable


def until(condition: Callable[[], bool], within_s: float = 2.0, every_s: float = 0.002) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(every_s)


class Ticking:
    """Counts its steps."""

    def __init__(self, name: str = "ticking", steps: int | None = None, trace: list[str] | None = None) -> None:
        self.name = name
        self.steps = 0
        self.threads: set[str] = set()
        self._limit = steps
        self._trace = trace if trace is not None else []

    def open(self) -> None:
        self.threads.add(threading.current_thread().name)
        self._trace.append(f"open {self.name}")

    def step(self) -> bool:
        self.threads.add(threading.current_thread().name)
        self.steps += 1
        time.sleep(0.002)
        return self._limit is None or self.steps < self._limit

    def close(self) -> None:
        self.threads.add(threading.current_thread().name)
        self._trace.append(f"close {self.name}")


class Failing(Ticking):
    """Raises where it is told to."""

    def __init__(self, where: str, name: str = "failing", *, after: int = 0) -> None:
        super().__init__(name)
        self._where = where
        self._after = after

    def open(self) -> None:
        super().open()
        if "open" in self._where:
            raise RuntimeError("no open")

    def step(self) -> bool:
        going_on = super().step()
        if "step" in self._where and self.steps > self._after:
            raise RuntimeError("no step")
        return going_on

    def close(self) -> None:
        super().close()
        if "close" in self._where:
            raise RuntimeError("no close")


class LockHolder(Ticking):
    """After some steps calls what does not come back and keeps the interpreter's lock: no thread runs any more."""

    def step(self) -> bool:
        if self.steps > 20:
            ctypes.PyDLL(None).sleep(600)
        return super().step()


class Wedged(Ticking):
    """Hangs in its first step until let go, as a native call does."""

    def __init__(self, name: str = "wedged") -> None:
        super().__init__(name)
        self.let_go = threading.Event()

    def step(self) -> bool:
        self.let_go.wait()
        return False
