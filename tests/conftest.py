"""What every test is held to: no thread, no ZeroMQ context and no descriptor of a socket is left behind."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator

import pytest
import zmq

_PATIENCE_S = 2.0
_PROCESS_WIDE = ("pydevd", "asyncio_")
"""Threads that a debugger or the interpreter keeps for the life of the process."""


def _threads() -> set[threading.Thread]:
    return {t for t in threading.enumerate() if not t.name.startswith(_PROCESS_WIDE)}


def _contexts() -> set[int]:
    return {id(c) for c in gc.get_objects() if type(c) is zmq.Context and not c.closed}


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """Fail a test that leaves a thread running."""
    before = _threads()
    yield
    deadline = time.monotonic() + _PATIENCE_S
    while (left := _threads() - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left, f"threads left running: {sorted(t.name for t in left)}"


@pytest.fixture(autouse=True)
def no_context_left_open(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test of what has sockets that leaves a ZeroMQ context open."""
    # Walking all objects costs 30 ms, so only tests whose module uses ZeroMQ or runs the daemon pay for it.
    if "zmq" not in vars(request.module) and "daemon" not in request.module.__name__:
        yield
        return
    before = _contexts()
    yield
    left = _contexts() - before
    assert not left, f"{len(left)} ZeroMQ contexts left open"
