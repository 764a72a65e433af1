"""A daemon whose judges are processes of their own: it lives and dies with them, and leaves none behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from pipelines.simulation.rtsp import RtspServer
from tests.daemon.running import Running
from tests.daemon.sites import Site, site, source
from tests.daemon.stages import until

PATIENCE_S = 30.0


@pytest.fixture(scope="module")
def cameras(odd_clip: Path) -> Iterator[RtspServer]:
    with RtspServer(dict.fromkeys("abc", odd_clip)) as server:
        yield server


@pytest.fixture
def here(tmp_path: Path, profile_file: Path, cameras: RtspServer) -> Site:
    sources = {name: source(cameras.url(name)) for name in "abc"}
    return site(tmp_path, profile_file, sources, judge_in="processes")


def judges(daemon: Running) -> dict[str, psutil.Process]:
    found = psutil.Process(daemon.process.pid).children()
    return {next(word for word in one.cmdline() if word.startswith("judge-")): one for one in found}


def test_every_camera_is_judged_and_the_judges_end_with_the_daemon(here: Site) -> None:
    with Running(["daemon", "run", "--config", here.config]) as daemon:
        daemon.wait_for("watching 3 cameras", PATIENCE_S)
        until(lambda: min(here.samples()["vigil_frames_analysed_total", camera] for camera in "abc") > 5, PATIENCE_S)
        found = judges(daemon)
        daemon.signal(signal.SIGTERM)
        assert daemon.ends(within_s=10) == 0
    assert sorted(found) == ["judge-0", "judge-1"]
    assert not any(one.is_running() for one in found.values())
    assert "Traceback" not in daemon.stderr


def test_what_judges_use_counts_as_the_daemons(here: Site) -> None:
    with Running(["daemon", "run", "--config", here.config]) as daemon:
        daemon.wait_for("watching 3 cameras", PATIENCE_S)
        until(lambda: here.samples()["vigil_frames_analysed_total", "a"] > 5, PATIENCE_S)
        spent_s = sum(sum(one.cpu_times()[:2]) for one in judges(daemon).values())
        samples = here.samples()
        daemon.signal(signal.SIGTERM)
        assert daemon.ends(within_s=10) == 0
    assert samples["vigil_processes", ""] == 3
    # The kernel cuts each time of each process to hundredths.
    assert samples["vigil_cpu_seconds_total", ""] >= samples["process_cpu_seconds_total", ""] + spent_s - 0.1


def test_a_judge_that_dies_ends_the_daemon_in_order_for_systemd_to_start_it_again(here: Site) -> None:
    with Running(["daemon", "run", "--config", here.config]) as daemon:
        daemon.wait_for("watching 3 cameras", PATIENCE_S)
        found = judges(daemon)
        found["judge-1"].kill()
        assert daemon.ends(within_s=PATIENCE_S) == 1
    assert "the process that judges is lost" in daemon.stderr
    assert not any(one.is_running() for one in found.values())


def test_what_is_meant_for_the_daemon_does_not_end_a_judge_before_it(here: Site) -> None:
    """Ctrl-C and a service manager's signals reach every process there is."""
    with Running(["daemon", "run", "--config", here.config]) as daemon:
        daemon.wait_for("watching 3 cameras", PATIENCE_S)
        for judge in judges(daemon).values():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                judge.send_signal(number)
        before = here.samples()["vigil_frames_analysed_total", "a"]
        until(lambda: here.samples()["vigil_frames_analysed_total", "a"] > before + 5, PATIENCE_S)
        daemon.signal(signal.SIGTERM)
        assert daemon.ends(within_s=10) == 0


def test_no_judge_outlives_a_daemon_that_was_killed(here: Site) -> None:
    with Running(["daemon", "run", "--config", here.config]) as daemon:
        daemon.wait_for("watching 3 cameras", PATIENCE_S)
        found = judges(daemon)
        daemon.signal(signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE_S
        while any(_runs(one) for one in found.values()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(_runs(one) for one in found.values())


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE and os.path.exists(f"/proc/{process.pid}")  # noqa: PTH110
    return False
