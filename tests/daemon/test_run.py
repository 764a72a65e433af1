"""The daemon as its users have it: a process, real RTSP, ZeroMQ and HTTP."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.simulation.rtsp import RtspServer
from pipelines.subscribe import Subscriber
from pipelines.wire import AlertMessage, Message, StatusMessage
from tests.daemon.running import Running, systemd, told
from tests.daemon.sites import free_port, site, source
from tests.daemon.stages import until


@pytest.fixture(scope="module")
def cameras(odd_clip: Path) -> Iterator[RtspServer]:
    """Two cameras that show the same ten seconds over and over."""
    with RtspServer({"a": odd_clip, "b": odd_clip}) as server:
        yield server


def await_message(messages: Subscriber, wanted: str, within_s: float = 25) -> Message:
    """The first message of this phase or state."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        message = messages.receive(within_s)
        if isinstance(message, AlertMessage) and message.header.phase == wanted:
            return message
        if isinstance(message, StatusMessage) and message.header.state == wanted:
            return message
    raise AssertionError(f"no {wanted} came")


def test_cameras_are_watched_alerts_sent_metrics_served_and_the_stop_is_clean(
    tmp_path: Path, profile_file: Path, cameras: RtspServer
) -> None:
    dead = source(f"rtsp://admin:hunter2@127.0.0.1:{free_port()}/x")
    deaf = source(cameras.url("b")) + "\nthreshold = 900"
    sources = {"a": source(cameras.url("a")), "b": deaf, "dead": dead}
    here = site(tmp_path, profile_file, sources, '[events]\ncooldown_s = 60\n[log]\nlevel = "debug"')
    with Subscriber(here.endpoint) as messages, Running(["daemon", "run", "--config", here.config]) as daemon:
        daemon.wait_for("watching 3 cameras")
        begin = await_message(messages, "begin")
        assert isinstance(begin, AlertMessage)
        assert begin.header.camera == "a"
        assert begin.header.latency_ms is not None
        lost = await_message(messages, "lost")
        assert isinstance(lost, StatusMessage)
        assert lost.header.camera == "dead"
        samples = here.samples()
        assert here.health("live") == here.health("ready") == 200
        began = time.monotonic()
        daemon.signal(signal.SIGTERM)
        end = await_message(messages, "end")
        assert daemon.ends(within_s=5) == 0
        assert time.monotonic() - began < 5
    assert isinstance(end, AlertMessage)
    assert end.header.end_reason == "stopped"
    assert samples["vigil_frames_analysed_total", "a"] > 0
    assert samples["vigil_camera_up", "b"] == 1
    assert samples["vigil_camera_up", "dead"] == 0
    assert samples["vigil_threshold", "b"] == 900
    assert samples["vigil_queue_depth", "mailboxes"] >= 0
    assert samples["process_resident_memory_bytes", ""] > 1e7
    assert samples["vigil_memory_bytes", ""] > 1e7
    assert samples["vigil_processes", ""] >= 1
    assert "hunter2" not in daemon.stderr


def test_a_camera_that_returns_is_analysed_again_and_the_other_never_misses_a_frame(
    tmp_path: Path, profile_file: Path, cameras: RtspServer
) -> None:
    here = site(tmp_path, profile_file, {name: source(cameras.url(name)) for name in "ab"})
    with Running(["daemon", "run", "--config", here.config]) as daemon:
        daemon.wait_for("watching 2 cameras")
        daemon.wait_for("camera a is live")
        daemon.wait_for("camera b is live")
        cameras.refuse("a")
        cameras.drop("a")
        daemon.wait_for("camera a is lost")
        before = here.samples()
        time.sleep(1.5)
        during = here.samples()
        cameras.restore("a")
        daemon.wait_for("camera a is live", within_s=5)
        daemon.signal(signal.SIGTERM)
        assert daemon.ends(within_s=5) == 0
    analysed = ("vigil_frames_analysed_total", "b")
    assert during[analysed] - before[analysed] >= 5
    assert during["vigil_camera_up", "a"] == 0


def test_with_every_camera_down_it_starts_is_ready_keeps_its_watchdog_fed_and_stops(
    tmp_path: Path, profile_file: Path
) -> None:
    down = source(f"rtsp://127.0.0.1:{free_port()}/x")
    here = site(tmp_path, profile_file, {"a": down, "b": down}, "[watchdog]\nstall_s = 2")
    with systemd(tmp_path) as (link, environ), Running(["daemon", "run", "-c", here.config], environ) as daemon:
        assert told(link, "READY=1")
        ready = time.monotonic()
        while time.monotonic() - ready < 4:
            told(link, "WATCHDOG=1")
        assert here.health("ready") == 200
        daemon.signal(signal.SIGTERM)
        assert daemon.ends(within_s=5) == 0


def test_a_run_that_was_killed_is_told_of_by_the_next(tmp_path: Path, profile_file: Path) -> None:
    here = site(tmp_path, profile_file, {"a": source(f"rtsp://127.0.0.1:{free_port()}/x")})
    environ = {"STATE_DIRECTORY": str(tmp_path / "state")}
    with Running(["daemon", "run", "-c", here.config], environ) as daemon:
        daemon.wait_for("watching 1 camera", 60)
        daemon.signal(signal.SIGKILL)
        assert daemon.ends(within_s=30) == -signal.SIGKILL
    for first in (True, False):
        with Running(["daemon", "run", "-c", here.config], environ) as daemon:
            daemon.wait_for("watching 1 camera", 60)
            assert ("an earlier run ended badly: it was killed" in daemon.stderr) is first
            daemon.signal(signal.SIGTERM)
            assert daemon.ends(within_s=30) == 0


def test_with_a_cached_engine_the_first_frame_is_analysed_after_less_than_three_seconds_of_work(
    tmp_path: Path, profile_file: Path, odd_clip: Path
) -> None:
    """Processor time, since others may use the machine that tests run on."""
    here = site(tmp_path, profile_file, {"a": source(odd_clip)})
    for _ in range(2):  # the first fills the cache
        with Running(["daemon", "run", "-c", here.config]) as daemon:
            daemon.wait_for("camera a is live", 60)
            until(lambda: here.samples()["vigil_frames_analysed_total", "a"] > 0, 60)
            spent_s = here.samples()["vigil_cpu_seconds_total", ""]
            daemon.signal(signal.SIGTERM)
            assert daemon.ends(within_s=30) == 0
    assert spent_s < 3


def test_when_all_files_have_been_played_it_leaves_with_0(tmp_path: Path, profile_file: Path, odd_clip: Path) -> None:
    here = site(tmp_path, profile_file, {"a": f"{source(f'{odd_clip}#t=0,2')}\npaced = false"})
    with Running(["daemon", "run", "-c", here.config]) as daemon:
        assert daemon.ends(within_s=30) == 0
        assert "every source has ended" in daemon.stderr


@pytest.mark.parametrize("format_", ["text", "json"])
def test_a_password_from_a_file_is_in_no_line(tmp_path: Path, profile_file: Path, format_: str) -> None:
    (tmp_path / "url").write_text(f"rtsp://admin:hunter2@127.0.0.1:{free_port()}/x?token=abcdef\n")
    here = site(tmp_path, profile_file, {"a": 'source_file = "url"'}, f'[log]\nformat = "{format_}"\nlevel = "debug"')
    with Subscriber(here.endpoint) as messages, Running(["daemon", "run", "-c", here.config]) as daemon:
        message = await_message(messages, "lost")
        daemon.signal(signal.SIGTERM)
        assert daemon.ends(within_s=5) == 0
    assert isinstance(message, StatusMessage)
    for text in (daemon.stderr, message.header.reason):
        assert "hunter2" not in text
        assert "abcdef" not in text


def test_every_line_about_a_camera_or_an_event_says_so_to_programs(
    tmp_path: Path, profile_file: Path, odd_clip: Path
) -> None:
    here = site(tmp_path, profile_file, {"a": f"{source(odd_clip)}\npaced = false"}, '[log]\nformat = "json"')
    with Running(["daemon", "run", "-c", here.config]) as daemon:
        assert daemon.ends(within_s=60) == 0
    lines = [json.loads(line) for line in daemon.stderr.splitlines()]
    live = next(line for line in lines if line["message"] == "camera a is live")
    assert live["camera"] == "a"
    begin = next(line for line in lines if line["message"].startswith("begin of event"))
    assert begin["camera"] == "a"
    assert begin["event_id"] in begin["message"]


class TestRefusals:
    def test_settings_end_with_2_and_one_line(self, tmp_path: Path, profile_file: Path) -> None:
        here = site(tmp_path, profile_file, {"a": source("x.mp4")}, "[htpp]")
        with Running(["daemon", "run", "-c", here.config]) as daemon:
            assert daemon.ends(within_s=15) == 2
        assert daemon.stderr == 'vigil: vigil.toml: htpp: unknown key; did you mean "http"?\n'

    def test_a_damaged_profile_ends_with_2_and_one_line(self, tmp_path: Path, profile_file: Path) -> None:
        damaged = tmp_path / "damaged.vigil"
        damaged.write_bytes(profile_file.read_bytes()[:-1])
        here = site(tmp_path, damaged, {"a": source("x.mp4")})
        with Running(["daemon", "run", "-c", here.config]) as daemon:
            assert daemon.ends(within_s=15) == 2
        assert "damaged.vigil: the profile is damaged" in daemon.stderr
        assert "Traceback" not in daemon.stderr

    def test_a_taken_port_ends_with_1_and_its_cause(self, tmp_path: Path, profile_file: Path) -> None:
        here = site(tmp_path, profile_file, {"a": source("x.mp4")})
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", here.http))
            taken.listen()
            with Running(["daemon", "run", "-c", here.config]) as daemon:
                assert daemon.ends(within_s=15) == 1
        assert f"cannot go on: http: 127.0.0.1:{here.http} cannot be listened on" in daemon.stderr
