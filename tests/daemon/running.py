"""Processes under test, and a systemd to talk to."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]


class Running:
    """A process whose stderr is read as it comes; killed at the end whatever happens."""

    def __init__(self, arguments: Sequence[str | Path], environ: dict[str, str] | None = None) -> None:
        self.stderr = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", **(environ or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def wait_for(self, text: str, within_s: float = 30.0) -> None:
        """Read stderr until `text` is in it."""
        deadline = time.monotonic() + within_s
        pipe = self.process.stderr
        assert pipe is not None
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while text not in self.stderr:
                left_s = deadline - time.monotonic()
                assert left_s > 0, f"{text!r} did not come; stderr:\n{self.stderr}"
                if selector.select(min(left_s, 0.2)):
                    chunk = os.read(pipe.fileno(), 65536)
                    assert chunk, f"the process ended before {text!r}; stderr:\n{self.stderr}"
                    self.stderr += chunk.decode()

    def look(self, within_s: float = 0.2) -> bool:
        """Read what is on stderr by now, waiting a little for it; whether there was anything."""
        pipe = self.process.stderr
        assert pipe is not None
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            chunk = os.read(pipe.fileno(), 65536) if selector.select(within_s) else b""
        self.stderr += chunk.decode()
        return bool(chunk)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def ends(self, within_s: float) -> int:
        """Wait for the end; returns the exit code."""
        _, rest = self.process.communicate(timeout=within_s)
        self.stderr += rest.decode()
        return self.process.returncode


@contextmanager
def systemd(folder: Path) -> Iterator[tuple[socket.socket, dict[str, str]]]:
    """A notify socket, and the environment that names it."""
    path = folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.bind(str(path))
        link.settimeout(20)
        yield link, {"NOTIFY_SOCKET": str(path)}


def told(link: socket.socket, wanted: str) -> list[str]:
    """Datagrams up to and including the first that holds `wanted`."""
    lines = [link.recv(4096).decode()]
    while wanted not in lines[-1]:
        lines.append(link.recv(4096).decode())
    return lines
