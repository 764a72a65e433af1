from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from daemon.notify import Notifier


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_gets_one_datagram_a_call(tmp_path: Path, abstract: bool) -> None:
    name = f"@vigil-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + name[1:] if abstract else name)
        systemd.settimeout(1)
        notifier = Notifier({"NOTIFY_SOCKET": name})
        notifier.tell("READY=1", "STATUS=8 cameras\nlive")
        notifier.tell("WATCHDOG=1")
        assert systemd.recv(4096) == b"READY=1\nSTATUS=8 cameras live"
        assert systemd.recv(4096) == b"WATCHDOG=1"


def test_without_systemd_nothing_happens() -> None:
    Notifier({}).tell("READY=1")


def test_a_socket_nobody_reads_is_no_error(tmp_path: Path) -> None:
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).tell("READY=1")


def test_a_full_socket_never_blocks(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        for _ in range(5000):
            notifier.tell("WATCHDOG=1")


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_fed_only_where_this_process_is_watched(environ: dict[str, str], seconds: float | None) -> None:
    assert Notifier(environ).watchdog_s == seconds
