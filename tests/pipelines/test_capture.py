import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from pipelines.capture import Capture, CaptureSettings
from pipelines.errors import SourceLost, SourceRefused
from pipelines.mailbox import Mailbox
from pipelines.metrics import Metrics
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.sources.source import Sample, Source
from pipelines.sources.spec import parse_source
from pipelines.types import CameraStatus, Frame
from tests.pipelines.sources.numbered import number_of, numbered_video

PIXELS = np.zeros((2, 2, 3), np.uint8)
QUICK = CaptureSettings(backoff_s=0.05, backoff_max_s=0.2, jitter=0.5)


class Script:
    """A source that plays what it is told: numbers are times of samples, errors are raised, the end is the end."""

    still = False
    size_hint = None

    def __init__(self, *acts: float | Exception) -> None:
        self._acts = list(acts)
        self.closed = 0

    def open(self) -> None:
        if self._acts and isinstance(self._acts[0], SourceRefused):
            raise self._acts.pop(0)  # type: ignore[misc]

    def read(self, patience_s: float | None = None) -> Sample | None:
        if not self._acts:
            return None
        act = self._acts.pop(0)
        if isinstance(act, Exception):
            raise act
        return Sample(PIXELS, act, time.monotonic_ns(), time.time(), lambda: PIXELS, skipped=2, corrupt=1)

    def close(self) -> None:
        self.closed += 1


class Bench:
    """A capture with everything around it."""

    def __init__(self, open_: Callable[[], Source], settings: CaptureSettings = QUICK) -> None:
        self.registry = CollectorRegistry()
        self.mailbox = Mailbox("gate", threading.Condition())
        self.told: list[CameraStatus] = []
        self.stop = threading.Event()
        metrics = Metrics(self.registry).camera("gate")
        self.capture = Capture(
            "gate", open_, self.mailbox, metrics, self.told.append, settings=settings, stop=self.stop
        )

    def run(self, until: Callable[[], bool], limit_s: float = 10.0) -> list[Frame]:
        """Step until something is so; the frames that came by."""
        frames: list[Frame] = []
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            going_on = self.capture.step()
            if (frame := self.mailbox.take()) is not None:
                frames.append(frame)
            if until() or not going_on:
                return frames
        raise AssertionError(f"not within {limit_s} s: {self.capture.status}")

    def state_is(self, state: str) -> Callable[[], bool]:
        return lambda: self.capture.status.state == state

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"vigil_{name}", {"camera": "gate", **labels})

    @property
    def states(self) -> list[str]:
        return [status.state for status in self.told]


def playing(*sources: Script) -> Callable[[], Source]:
    queue = list(sources)
    return lambda: queue.pop(0)


def file_opener(path: Path, **settings: object) -> Callable[[], Source]:
    return lambda: open_source(parse_source(str(path)), SourceSettings(**settings), (48, 64))  # type: ignore[arg-type]


def test_a_file_is_captured_frame_by_frame_to_its_end(tmp_path: Path) -> None:
    bench = Bench(file_opener(numbered_video(tmp_path / "clip.mp4", 60, fps=15), fps=5.0))
    bench.capture.open()
    frames = bench.run(bench.state_is("ended"))
    assert [number_of(f.pixels) for f in frames] == list(range(0, 60, 3))
    assert [f.seq for f in frames] == list(range(1, 21))
    assert [f.time_s for f in frames] == pytest.approx([i / 5 for i in range(20)])
    assert frames[3].camera == "gate"
    assert frames[3].picture().shape == (96, 128, 3)
    assert bench.states == ["starting", "live", "ended"]
    assert bench.capture.step() is False
    assert bench.value("frames_received_total") == 58  # the last two after the last sample are never told of
    assert bench.value("frames_sampled_out_total") == 38
    assert bench.value("camera_up") == 0
    bench.capture.close()


def test_a_missing_file_is_refused_and_tried_again_until_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "late.mp4"
    bench = Bench(file_opener(path))
    bench.run(bench.state_is("refused"))
    assert "no such file" in bench.capture.status.reason
    assert bench.capture.step() is True
    numbered_video(path, 3)
    frames = bench.run(bench.state_is("ended"))
    assert len(frames) == 3
    assert bench.states == ["refused", "live", "ended"]


def test_frames_are_counted_by_what_became_of_them() -> None:
    bench = Bench(playing(Script(0.0, 0.2, 0.4)))
    for _ in range(4):
        bench.capture.step()
    assert bench.value("frames_received_total") == 12
    assert bench.value("frames_sampled_out_total") == 6
    assert bench.value("frames_dropped_total", cause="corrupt") == 3
    assert bench.value("frames_dropped_total", cause="replaced") == 2
    assert bench.value("camera_last_frame_timestamp_seconds") == pytest.approx(time.time(), abs=5)
    assert bench.value("camera_up") == 1
    newest = bench.mailbox.take()
    assert newest is not None
    assert newest.seq == 3


def test_a_lost_camera_returns_with_its_numbers_and_its_clock_going_on() -> None:
    first = Script(100.0, 100.2, SourceLost("gone"))
    bench = Bench(playing(first, Script(7.0, 7.2)))
    began = time.monotonic()
    frames = bench.run(bench.state_is("ended"))
    outage_s = time.monotonic() - began
    assert first.closed == 1
    assert [f.seq for f in frames] == [1, 2, 3, 4]
    times = [f.time_s for f in frames]
    assert times[:2] == [100.0, 100.2]
    assert 0.02 < times[2] - times[1] <= outage_s + 0.01
    assert times[3] - times[2] == pytest.approx(0.2)
    assert bench.states == ["live", "lost", "live", "ended"]
    assert bench.capture.status.reconnects == 1
    assert bench.value("camera_reconnects_total") == 1


def test_a_refused_camera_waits_the_longest_and_tells_why() -> None:
    bench = Bench(playing(Script(SourceRefused("rtsp://admin:hunter2@cam/1: 404")), Script(0.0)))
    bench.capture.step()
    refused = bench.capture.status
    assert (refused.state, refused.reason) == ("refused", "rtsp://***@cam/1: 404")
    began = time.monotonic()
    bench.run(bench.state_is("live"))
    assert time.monotonic() - began > 0.09


def test_a_state_is_told_when_it_or_its_reason_changes_and_not_otherwise() -> None:
    scripts = [Script(SourceLost("a")), Script(SourceLost("a")), Script(SourceLost("b")), Script(0.0, 0.1)]
    bench = Bench(playing(*scripts))
    bench.run(bench.state_is("ended"))
    assert [(s.state, s.reason) for s in bench.told[:3]] == [("lost", "a"), ("lost", "b"), ("live", "")]
    assert bench.told[0].since_wall_s == bench.told[1].since_wall_s
    assert bench.told[0].last_frame_wall_s is None
    assert bench.told[3].last_frame_wall_s is not None


def test_waits_double_up_to_the_longest_and_a_steady_camera_starts_anew() -> None:
    settings = CaptureSettings(backoff_s=0.25, backoff_max_s=0.5, jitter=0.0)
    scripts = iter([Script(SourceLost("x")) for _ in range(4)])
    tried: list[float] = []

    def open_() -> Source:
        tried.append(time.monotonic())
        return next(scripts)

    bench = Bench(open_, settings)
    bench.run(lambda: len(tried) == 4)
    waits = np.diff(tried)
    assert waits == pytest.approx([0.25, 0.5, 0.5], abs=0.1)


def test_a_stop_cuts_the_wait_short_and_a_step_is_never_long() -> None:
    bench = Bench(playing(Script(SourceLost("x"))), CaptureSettings(backoff_s=20, backoff_max_s=20))
    bench.capture.step()
    bench.capture.step()
    began = time.monotonic()
    bench.capture.step()
    assert 0.3 < time.monotonic() - began < 0.8
    bench.stop.set()
    began = time.monotonic()
    bench.capture.step()
    assert time.monotonic() - began < 0.1


def test_closing_hangs_up() -> None:
    script = Script(0.0, 0.2)
    bench = Bench(playing(script))
    bench.capture.step()
    bench.capture.step()
    bench.capture.close()
    bench.capture.close()
    assert script.closed == 1
    assert bench.value("camera_up") == 0


def test_what_is_no_source_error_ends_the_stage() -> None:
    bench = Bench(playing(Script(RuntimeError("a fault of ours"))))
    bench.capture.step()
    with pytest.raises(RuntimeError, match="a fault of ours"):
        bench.capture.step()
    bench.capture.close()


@contextlib.contextmanager
def file_server(port: int, content: bytes) -> Iterator[None]:
    """Serves one MPEG transport stream over HTTP to whoever connects, then hangs up."""
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(5)

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n" + content)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        server.close()
        thread.join()


def test_a_camera_that_is_down_at_the_start_is_captured_once_it_is_up(tmp_path: Path) -> None:
    content = numbered_video(tmp_path / "clip.ts", 40).read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/live"
    bench = Bench(lambda: open_source(parse_source(url), SourceSettings(read_timeout_s=1), (48, 64)))
    bench.run(bench.state_is("lost"))
    assert "connection refused" in bench.capture.status.reason
    with file_server(port, content):
        frames = bench.run(lambda: bench.states.count("lost") >= 2)
    assert len(frames) > 20
    assert [f.seq for f in frames] == list(range(1, len(frames) + 1))
    assert bench.states[-2:] == ["live", "lost"]
    bench.capture.close()


def test_frames_that_there_is_no_time_for_are_counted_as_shed(tmp_path: Path) -> None:
    clip, admits = numbered_video(tmp_path / "clip.mp4", 60, fps=15), iter([True, False, False, True] * 5)
    settings = SourceSettings(fps=5.0)
    bench = Bench(lambda: open_source(parse_source(str(clip)), settings, (48, 64), lambda: next(admits)))
    bench.capture.open()
    frames = bench.run(bench.state_is("ended"))
    assert [number_of(f.pixels) for f in frames] == [0, 9, 12, 21, 24, 33, 36, 45, 48, 57]
    assert [f.seq for f in frames] == list(range(1, 11))
    assert bench.value("frames_dropped_total", cause="shed") == 10
    assert bench.value("frames_received_total") == 58
    assert bench.value("frames_sampled_out_total") == 38
