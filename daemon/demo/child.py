"""Processes of the demonstration's own: started with a log, and ended whatever happens.

Several run at a time on few cores, so each is told to use one thread for linear algebra: threads that spin while they
wait for a core double what learning costs.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from engines.errors import VigilError

_TICK_S = 0.05
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class ChildFailed(VigilError):  # noqa: N818 - an event, as StageDied is
    """A process of the demonstration ended when it should not, or did not get ready; names the log to read."""


class Child:
    """``python -m MODULE ARGUMENTS...`` in a session of its own, so that a Ctrl-C reaches the demonstration alone.

    A context manager: on leaving it, the process has ended.
    """

    def __init__(self, name: str, arguments: Sequence[str | Path], log: Path | None) -> None:
        """`log` takes what it writes to stderr; without one it writes to the terminal, stdout too."""
        self.name = name
        self._log = log
        self._said = b""
        command = [sys.executable, "-m", *map(str, arguments)]
        pipe = None if log is None else subprocess.PIPE
        with Path(log or os.devnull).open("wb") as kept:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 - arguments of our own
                command,
                stdin=pipe,
                stdout=pipe,
                stderr=None if log is None else kept,
                start_new_session=True,
                env={**_ONE_THREAD, **os.environ},
            )
        if self._process.stdout is not None:
            os.set_blocking(self._process.stdout.fileno(), False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def code(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.poll()

    def lines(self) -> list[str]:
        """Whole lines that it wrote to stdout since the last call; does not wait."""
        pipe = self._process.stdout
        while pipe is not None and (chunk := pipe.read(65536)):
            self._said += chunk
        *lines, self._said = self._said.split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def await_line(self, within_s: float) -> str:
        """The next line on stdout.

        Raises:
            ChildFailed: It ended or the time is over.
        """
        found: list[str] = []

        def spoke() -> bool:
            found.extend(self.lines())
            return bool(found)

        self.await_that(spoke, within_s)
        return found[0]

    def await_that(self, happened: Callable[[], bool], within_s: float) -> None:
        """Wait until something has happened.

        Raises:
            ChildFailed: The process ended before, or the time is over.
        """
        deadline = time.monotonic() + within_s
        while not happened():
            self.require_alive()
            if time.monotonic() > deadline:
                raise ChildFailed(f"{self.name} was not ready within {within_s:.0f} s{self._hint()}")
            time.sleep(_TICK_S)

    def require_alive(self) -> None:
        """Raise `ChildFailed` if it has ended."""
        if self.code is not None:
            raise ChildFailed(f"{self.name} ended with exit code {self.code}{self._hint()}")

    def require_success(self) -> None:
        """Raise `ChildFailed` if it ended with another exit code than 0."""
        if self.code:
            self.require_alive()

    def stop(self, within_s: float = 10.0) -> int:
        """Ask it to end (SIGTERM), and wait; returns its exit code.

        Raises:
            ChildFailed: It did not end in time, and was killed.
        """
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            raise ChildFailed(f"{self.name} did not stop within {within_s:.0f} s{self._hint()}") from None
        finally:
            self.end()

    def end(self, within_s: float = 5.0) -> None:
        """Have it ended: politely first, then by force. May be called when it has."""
        try:
            if self.code is None:
                self._process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(within_s)
        finally:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):
                        pipe.close()

    def _hint(self) -> str:
        return "" if self._log is None else f": see {self._log}"


def free_port(wished: int) -> int:
    """The port wished for if it is free on the loopback address, else any that is."""
    for port in (wished, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise ChildFailed("no port is free on 127.0.0.1")
