"""The demonstration's processes: real ones."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from daemon.demo.child import Child, ChildFailed, free_port


def test_a_process_has_ended_when_its_block_is_left(tmp_path: Path) -> None:
    with Child("the server", ["http.server", "--bind=127.0.0.1", "0"], tmp_path / "log") as child:
        child.require_alive()
        pid = child._process.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_process_that_ends_too_early_is_told_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        Child("the camera server", ["pipelines.simulation.rtsp", "front=missing.mp4"], log) as child,
        pytest.raises(ChildFailed, match=f"the camera server ended with exit code 1: see {log}"),
    ):
        child.await_line(30)
    assert "missing.mp4" in log.read_text()


def test_a_process_that_says_nothing_in_time_is_told(tmp_path: Path) -> None:
    with (
        Child("the server", ["http.server", "--bind=127.0.0.1", "0"], tmp_path / "log") as child,
        pytest.raises(ChildFailed, match="was not ready within"),
    ):
        child.await_that(lambda: False, 0.2)


def test_a_port_that_is_taken_is_not_given() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port
    assert free_port(port) == port
