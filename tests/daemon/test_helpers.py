"""Helper processes: real ones, started, killed, hung, outlived."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from daemon.helpers import Helper, end_all
from daemon.logs import LogSettings
from pipelines.apart.channel import Channel
from pipelines.errors import HelperError
from tests.daemon.running import ROOT

NOTHING = msgspec.msgpack.encode(None)
PATIENCE_S = 20.0


@pytest.fixture
def helper() -> Iterator[Helper]:
    helper = Helper("reader-0", LogSettings())
    yield helper
    end_all([helper], PATIENCE_S)


def greeted(helper: Helper) -> Channel:
    """A connection to its pictures, which has been used."""
    channel = helper.connect("pictures", "pictures")
    greet(channel)
    return channel


def greet(channel: Channel) -> None:
    channel.send(msgspec.msgpack.encode(1), timeout_s=PATIENCE_S)
    (answer,) = channel.receive(PATIENCE_S)
    assert answer.tobytes() == NOTHING


def children() -> list[psutil.Process]:
    """The helpers that this process has now."""
    return [child for child in psutil.Process().children() if "daemon.helper" in child.cmdline()]


def test_it_is_started_by_the_first_who_needs_it_and_ends_when_told(helper: Helper) -> None:
    assert not children()
    channels = [greeted(helper), greeted(helper)]
    (process,) = children()
    assert process.cmdline()[-2] == "reader-0"
    end_all([helper], PATIENCE_S)
    assert not process.is_running()
    for channel in channels:
        with pytest.raises(HelperError):
            greet(channel)
        channel.close()
    with pytest.raises(HelperError, match="reader-0 has been ended"):
        helper.connect("pictures", "pictures")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_one_that_died_is_started_again_for_the_next_who_needs_it(
    helper: Helper, number: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    channel = greeted(helper)
    (process,) = children()
    process.send_signal(number)
    with pytest.raises(HelperError, match="ended or hung up"):
        channel.receive(PATIENCE_S)
    greeted(helper).close()
    assert not process.is_running()
    assert f"reader-0 ended (signal {int(number)}): it is started again" in caplog.text
    assert len(children()) == 1


def test_one_that_is_killed_is_started_again_too(helper: Helper) -> None:
    greeted(helper).close()
    (before,) = children()
    helper.kill()
    assert not before.is_running()
    greeted(helper).close()
    helper.kill()
    helper.kill()


def test_one_that_hangs_is_killed_at_its_time(helper: Helper, caplog: pytest.LogCaptureFixture) -> None:
    channel = greeted(helper)
    (process,) = children()
    process.suspend()
    began = time.monotonic()
    end_all([helper], 0.5)
    assert 0.4 < time.monotonic() - began < 3
    assert not process.is_running()
    assert "reader-0 does not end: killed" in caplog.text
    channel.close()


def test_what_the_daemon_is_told_by_signals_is_not_for_it(helper: Helper) -> None:
    channel = greeted(helper)
    (process,) = children()
    assert os.getpgid(process.pid) == process.pid, "of a group of its own"
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.killpg(process.pid, number)
        greet(channel)
    channel.close()


def test_it_is_small_and_nobody_reads_of_cameras_in_the_list_of_processes(helper: Helper) -> None:
    channel = helper.connect("camera", "capture-gate")
    greeted(helper).close()
    (process,) = children()
    assert process.memory_info().rss < 80 << 20
    mapped = Path(f"/proc/{process.pid}/maps").read_text()
    assert "libav" in mapped, "what reads cameras is there"
    assert "openvino" not in mapped
    assert process.cmdline()[1:5] == ["-P", "-m", "daemon.helper", "reader-0"]
    channel.close()


STARTER = """
import os, time
from daemon.helpers import Helper
from daemon.logs import LogSettings
helper = Helper("reader-0", LogSettings())
channel = helper.connect("pictures", "pictures")
channel.send(b"\\x01")
channel.receive()
print(helper.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_it_does_not_outlive_a_daemon_that_comes_to_a_bad_end(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER], cwd=ROOT, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        helper = psutil.Process(int(daemon.stdout.readline()))
        daemon.send_signal(number)
        daemon.wait(PATIENCE_S)
        helper.wait(PATIENCE_S)
