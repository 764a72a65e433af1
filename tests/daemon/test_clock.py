"""The wall clock is set while the daemon runs: a real daemon, under which a library moves it."""

from __future__ import annotations

import itertools
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.simulation.rtsp import RtspServer
from pipelines.subscribe import Subscriber
from pipelines.wire import AlertMessage, StatusMessage
from tests.daemon.running import Running
from tests.daemon.sites import site, source

COMPILER = shutil.which("cc")
PATIENCE_S = 60.0
HOUR_S = 3600


class Heard:
    """Everything that was received, in order."""

    def __init__(self, messages: Subscriber) -> None:
        self._messages = messages
        self.alerts: list[AlertMessage] = []
        self.statuses: list[StatusMessage] = []

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, "did not come"
            message = self._messages.receive(PATIENCE_S)
            if isinstance(message, AlertMessage):
                self.alerts.append(message)
            elif isinstance(message, StatusMessage):
                self.statuses.append(message)

    def off_by_s(self) -> float:
        """How far the daemon's clock is from this machine's, by its latest status."""
        return self.statuses[-1].header.sent_unix - time.time() if self.statuses else 0.0

    def await_step(self, step_s: int) -> None:
        """Hear of the step, and then of whole events."""
        self.until(lambda: abs(self.off_by_s() - step_s) < 60)
        done = self.ends()
        self.until(lambda: self.ends() > done)

    def ends(self) -> int:
        return sum(alert.header.phase == "end" for alert in self.alerts)


@pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")
def test_an_hour_forth_and_two_back_break_no_event_no_order_and_no_camera(
    tmp_path: Path, profile_file: Path, odd_clip: Path
) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0")
    library = tmp_path / "wall_clock.so"
    c_file = Path(__file__).with_name("wall_clock.c")
    subprocess.run([str(COMPILER), "-shared", "-fPIC", "-O2", "-o", str(library), str(c_file)], check=True)
    environ = {"LD_PRELOAD": str(library), "WALL_CLOCK_OFFSET": str(clock)}
    with RtspServer({"a": odd_clip}) as cameras:
        here = site(tmp_path, profile_file, {"a": source(cameras.url("a"))}, "[watchdog]\nstall_s = 15")
        with (
            Subscriber(here.endpoint) as messages,
            Running(["daemon", "run", "--config", here.config], environ) as daemon,
        ):
            heard = Heard(messages)
            heard.until(lambda: len(heard.alerts) > 0)
            for step_s in (HOUR_S, -HOUR_S):
                clock.write_text(str(step_s))
                heard.await_step(step_s)
                last = heard.statuses[-1].header
                assert last.state == "live"
                assert last.last_frame_unix is not None
                assert abs(last.last_frame_unix - last.sent_unix) < 30
            samples = here.samples()
            daemon.signal(signal.SIGTERM)
            assert daemon.ends(within_s=30) == 0
    assert [alert.header.seq for alert in heard.alerts] == list(range(1, len(heard.alerts) + 1))
    phases = [alert.header.phase for alert in heard.alerts]
    assert all(after == "begin" for before, after in itertools.pairwise(phases) if before == "end")
    assert all(alert.header.duration_s < 60 for alert in heard.alerts)
    assert all(alert.header.latency_ms.capture_to_publish < 30_000 for alert in heard.alerts if alert.header.latency_ms)
    assert samples["vigil_camera_reconnects_total", "a"] == 0
    assert "cannot go on" not in daemon.stderr
