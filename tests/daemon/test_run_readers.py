"""A daemon whose cameras are read in processes of their own: it outlives them, and they do not outlive it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pipelines.simulation.rtsp import RtspServer
from pipelines.subscribe import Subscriber
from pipelines.wire import AlertMessage
from tests.daemon.running import Running
from tests.daemon.sites import Site, free_port, site, source
from tests.daemon.stages import until

PATIENCE_S = 30.0
READERS = '[capture]\nread_in = "processes"\n[reload]\nsettle_s = 0.2'


@pytest.fixture(scope="module")
def cameras(odd_clip: Path) -> Iterator[RtspServer]:
    with RtspServer(dict.fromkeys("abc", odd_clip)) as server:
        yield server


def here_with(folder: Path, profile_file: Path, cameras: RtspServer, names: str) -> Site:
    return site(folder, profile_file, {name: source(cameras.url(name)) for name in names}, READERS)


def reader_of(daemon: Running) -> psutil.Process:
    (reader,) = (one for one in psutil.Process(daemon.process.pid).children() if "reader-0" in one.cmdline())
    return reader


def live(daemon: Running, cameras: str, times: int = 1) -> None:
    """Wait until each of these has been told of as live so often."""

    def told() -> bool:
        daemon.look()
        return all(daemon.stderr.count(f"camera {name} is live") >= times for name in cameras)

    until(told, PATIENCE_S)


def test_cameras_are_watched_come_and_go_and_return_when_their_reader_dies(
    tmp_path: Path, profile_file: Path, cameras: RtspServer
) -> None:
    here = here_with(tmp_path, profile_file, cameras, "ab")
    two = here.config.read_text()
    with Running(["daemon", "run", "--config", here.config]) as daemon, Subscriber(here.endpoint) as messages:
        live(daemon, "ab")
        reader = reader_of(daemon)

        alert = messages.receive(PATIENCE_S)
        while not isinstance(alert, AlertMessage):
            alert = messages.receive(PATIENCE_S)
        daemon.look()
        assert "a picture cannot be had" not in daemon.stderr

        here.config.write_text(
            f'{two}[[cameras]]\nname = "c"\n{source(cameras.url("c"))}\nprofile = "{profile_file}"\n'
        )
        daemon.signal(signal.SIGHUP)
        live(daemon, "c")
        assert reader_of(daemon) == reader
        here.config.write_text(two.replace('read_in = "processes"', 'read_in = "threads"'))
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("settings reloaded: removed c", PATIENCE_S)
        daemon.wait_for("take effect only when Vigil is restarted: capture.read_in", PATIENCE_S)
        until(lambda: cameras.clients("c") == 0, PATIENCE_S)
        assert here.samples()["vigil_camera_reconnects_total", "a"] == 0

        reader.send_signal(signal.SIGSEGV)
        live(daemon, "ab", times=2)
        assert "reader-0 ended (signal 11): it is started again" in daemon.stderr
        again = reader_of(daemon)
        daemon.signal(signal.SIGTERM)
        assert daemon.ends(within_s=10) == 0
    assert not again.is_running()
    assert "threads that did not end" not in daemon.stderr


def test_readers_end_with_a_daemon_that_was_killed_and_say_nothing_of_passwords(
    tmp_path: Path, profile_file: Path, cameras: RtspServer
) -> None:
    dead = source(f"rtsp://admin:hunter2@127.0.0.1:{free_port()}/x?token=abcdef")
    here = site(
        tmp_path, profile_file, {"a": source(cameras.url("a")), "dead": dead}, f'{READERS}\n[log]\nlevel = "debug"'
    )
    with Running(["daemon", "run", "--config", here.config]) as daemon:
        live(daemon, "a")
        daemon.wait_for("camera dead is lost", PATIENCE_S)
        reader = reader_of(daemon)
        assert "rtsp" not in " ".join(reader.cmdline())
        daemon.signal(signal.SIGKILL)
        daemon.ends(within_s=PATIENCE_S)
        until(lambda: not reader.is_running() or reader.status() == psutil.STATUS_ZOMBIE, PATIENCE_S)
        until(lambda: cameras.clients("a") == 0, PATIENCE_S)
    for secret in ("hunter2", "abcdef"):
        assert secret not in daemon.stderr
