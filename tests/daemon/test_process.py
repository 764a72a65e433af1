from __future__ import annotations

import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from daemon.crash import crashes, left_behind
from daemon.crash import told as told_crash
from daemon.notify import Notifier
from daemon.process import Daemon
from daemon.pulse import Pulse
from daemon.signals import StopSignals
from tests.daemon.little_daemon import assembly
from tests.daemon.running import Running, systemd, told

LITTLE = "tests.daemon.little_daemon"


def test_sigterm_stops_every_thread_and_leaves_with_0() -> None:
    before = threading.active_count()
    signals, pulse = StopSignals(), Pulse()
    timer = threading.Timer(0.6, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    with signals.installed():
        assert Daemon(assembly("healthy"), pulse, signals, Notifier({})).run() == 0
    timer.join()
    assert threading.active_count() == before
    assert not pulse.ready.ok


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_either_signal_stops_the_process_at_once(number: signal.Signals) -> None:
    with Running([LITTLE, "healthy"]) as daemon:
        daemon.wait_for("watching 2 cameras")
        began = time.monotonic()
        daemon.signal(number)
        assert daemon.ends(within_s=5) == 0
        assert time.monotonic() - began < 1.5
        assert f"stopping on {number.name}" in daemon.stderr


def test_a_thread_that_will_not_end_is_named_its_stack_dumped_and_left_behind() -> None:
    with Running([LITTLE, "wedged-capture"]) as daemon:
        daemon.wait_for("watching 2 cameras")
        began = time.monotonic()
        daemon.signal(signal.SIGTERM)
        assert daemon.ends(within_s=8) == 1
        assert 3.5 < time.monotonic() - began < 5
        assert "threads that did not end within 4 s: capture-a" in daemon.stderr
        assert "let_go.wait" in daemon.stderr or "in wait" in daemon.stderr


def test_a_second_signal_leaves_at_once() -> None:
    with Running([LITTLE, "wedged-capture"]) as daemon:
        daemon.wait_for("watching 2 cameras")
        daemon.signal(signal.SIGTERM)
        daemon.wait_for("stopping on SIGTERM")
        time.sleep(0.2)
        began = time.monotonic()
        daemon.signal(signal.SIGTERM)
        assert daemon.ends(within_s=3) == 1
        assert time.monotonic() - began < 1


def test_one_stop_signalled_to_the_process_and_to_its_group_is_one() -> None:
    with Running([LITTLE, "healthy"]) as daemon:
        daemon.wait_for("watching 2 cameras")
        daemon.signal(signal.SIGTERM)
        daemon.signal(signal.SIGTERM)
        assert daemon.ends(within_s=5) == 0


@pytest.mark.parametrize("thread", ["infer", "publish"])
def test_the_death_of_a_thread_that_is_needed_ends_the_process_with_its_cause(thread: str) -> None:
    with Running([LITTLE, f"dying-{thread}"]) as daemon:
        assert daemon.ends(within_s=15) == 1
        assert f"cannot go on: {thread}: RuntimeError: no step" in daemon.stderr
        assert "Traceback" in daemon.stderr


def test_a_wedged_infer_thread_ends_the_process_and_shows_where_it_hangs(tmp_path: Path) -> None:
    with systemd(tmp_path) as (link, environ), Running([LITTLE, "wedged-infer"], environ) as daemon:
        assert "READY=1" in told(link, "READY=1")[-1]
        assert daemon.ends(within_s=15) == 1
        assert "cannot go on: infer has not completed a step" in daemon.stderr
        assert "stages.py" in daemon.stderr
        feeds = [line for line in drained(link) if line == "WATCHDOG=1"]
        assert len(feeds) <= 4, "the watchdog was fed while infer hung"


def test_a_native_call_that_lets_no_thread_run_ends_the_process_and_leaves_its_stacks(tmp_path: Path) -> None:
    with Running([LITTLE, "wedged-lock"], {"STATE_DIRECTORY": str(tmp_path)}) as daemon:
        daemon.wait_for("watching 2 cameras", 60)
        assert daemon.ends(within_s=60) == 1
    ((kept, text),) = left_behind(tmp_path / "crashes")
    assert "a native call let no thread run" in told_crash(kept, text)
    assert "stages.py" in text, "the stack of the thread that holds the lock"
    assert "little_daemon" in text, "and that of the main thread"


def test_a_process_that_dies_of_a_signal_leaves_its_stacks_and_one_that_is_killed_its_beginning(tmp_path: Path) -> None:
    for number in (signal.SIGSEGV, signal.SIGKILL):
        with Running([LITTLE, "healthy"], {"STATE_DIRECTORY": str(tmp_path)}) as daemon:
            daemon.wait_for("watching 2 cameras", 60)
            daemon.signal(number)
            assert daemon.ends(within_s=30) == -number
    folder = tmp_path / "crashes"
    said = sorted(told_crash(kept, text) for kept, text in left_behind(folder))
    assert said[0].startswith("Fatal Python error: Segmentation fault; the stacks are in")
    assert said[1].startswith("it was killed, or the machine went down")
    assert len(crashes(folder)) == 2
    assert left_behind(folder) == []


def test_an_end_in_order_leaves_nothing_and_a_death_its_cause(tmp_path: Path) -> None:
    with Running([LITTLE, "healthy"], {"STATE_DIRECTORY": str(tmp_path)}) as daemon:
        daemon.wait_for("watching 2 cameras", 60)
        daemon.signal(signal.SIGTERM)
        assert daemon.ends(within_s=30) == 0
    assert left_behind(tmp_path / "crashes") == []
    with Running([LITTLE, "dying-infer"], {"STATE_DIRECTORY": str(tmp_path)}) as daemon:
        assert daemon.ends(within_s=60) == 1
    ((kept, text),) = left_behind(tmp_path / "crashes")
    assert "cannot go on: infer: RuntimeError: no step; the stacks are in" in told_crash(kept, text)


def test_a_folder_that_cannot_be_written_keeps_no_daemon_from_running(tmp_path: Path) -> None:
    (tmp_path / "crashes").write_text("in the way")
    with Running([LITTLE, "healthy"], {"STATE_DIRECTORY": str(tmp_path)}) as daemon:
        daemon.wait_for("watching 2 cameras", 60)
        daemon.signal(signal.SIGTERM)
        assert daemon.ends(within_s=30) == 0


def test_systemd_hears_of_ready_progress_and_the_stop(tmp_path: Path) -> None:
    with systemd(tmp_path) as (link, environ), Running([LITTLE, "healthy"], environ) as daemon:
        assert told(link, "READY=1")
        assert told(link, "WATCHDOG=1")
        assert told(link, "WATCHDOG=1")
        daemon.signal(signal.SIGTERM)
        assert "STOPPING=1" in told(link, "STOPPING=1")[-1]
        assert daemon.ends(within_s=5) == 0


def drained(link: socket.socket) -> list[str]:
    link.settimeout(0.2)
    lines: list[str] = []
    try:
        while True:
            lines.append(link.recv(4096).decode())
    except TimeoutError:
        return lines
