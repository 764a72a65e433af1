"""Cameras that are read in real helper processes, which die, hang and are chosen among."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from daemon.config import Camera as Settings
from daemon.helpers import Helper, end_all
from daemon.logs import LogSettings
from daemon.reading import Reading, readers_for
from pipelines.apart.reading import Reader
from pipelines.capture import ReadIn
from pipelines.door import Door
from pipelines.errors import SourceLost
from pipelines.events import EventSettings
from pipelines.health.settings import HealthSettings
from pipelines.masks import Curtain
from pipelines.simulation.rtsp import RtspServer
from pipelines.sources.settings import SourceSettings
from pipelines.sources.spec import parse_source
from tests.pipelines.cameras import Camera, source_of, wait
from tests.pipelines.sources.numbered import SIZE, number_of, numbered_video

PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtspServer]:
    how = {"preset": "veryfast", "tune": "zerolatency", "x264-params": "scenecut=0"}
    clip = numbered_video(tmp_path_factory.mktemp("readers") / "loop.mp4", 90, fps=15, gop=15, options=how)
    with RtspServer({"gate": clip, "yard": clip}) as server:
        yield server


@pytest.fixture
def helper() -> Iterator[Helper]:
    helper = Helper("reader-0", LogSettings())
    yield helper
    end_all([helper], PATIENCE_S)


@pytest.fixture
def reader(helper: Helper) -> Reader:
    return Reader(helper.connect, helper.kill, doubt_s=0.5)


def process_of(helper: Helper) -> psutil.Process:
    assert helper.pid is not None
    return psutil.Process(helper.pid)


def test_frames_and_their_pictures_come_from_another_process(server: RtspServer, reader: Reader) -> None:
    with Camera(server.url("gate"), reader) as camera:
        camera.wait_for_frames(4, PATIENCE_S)
    for frame in camera.frames:
        assert abs(frame.captured_ns - time.monotonic_ns()) < 30e9, "one clock for both"
        picture = frame.picture()
        assert picture.shape == (*SIZE, 3)
        assert number_of(picture) == number_of(frame.pixels)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_when_a_reader_dies_its_cameras_are_lost_and_come_back(
    server: RtspServer, helper: Helper, reader: Reader, number: signal.Signals
) -> None:
    with Camera(server.url("gate"), reader) as gate, Camera(server.url("yard"), reader) as yard:
        for camera in (gate, yard):
            camera.wait_for_frames(2, PATIENCE_S)
        last = gate.frames[-1]
        process_of(helper).send_signal(number)
        for camera in (gate, yard):
            wait(lambda camera=camera: "lost" in [s.state for s in camera.states], PATIENCE_S)  # type: ignore[misc]
            camera.wait_for_frames(3, PATIENCE_S)
        newest = gate.frames[-1]
        kept, gone = newest.picture(), last.picture()
    for camera in (gate, yard):
        assert [status.state for status in camera.states] == ["starting", "live", "lost", "live"]
        assert camera.states[2].reason.endswith("its reader has ended")
        assert [frame.seq for frame in camera.frames] == list(range(1, len(camera.frames) + 1))
        times = [frame.time_s for frame in camera.frames]
        assert times == sorted(set(times))
    assert number_of(kept) == number_of(newest.pixels)
    assert gone.shape == kept.shape
    assert number_of(gone) == number_of(last.pixels), "shown as the frame has it"


def test_a_reader_that_hangs_is_ended_and_its_camera_comes_back(
    server: RtspServer, helper: Helper, reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    with Camera(server.url("gate"), reader, grace_s=3.0, read_timeout_s=0.3) as camera:
        camera.wait_for_frames(2, PATIENCE_S)
        hung = process_of(helper)
        hung.suspend()
        camera.wait_for("lost", PATIENCE_S)
        assert camera.capture.status.reason.endswith("its reader does not answer")
        camera.wait_for_frames(2, PATIENCE_S)
    assert not hung.is_running()
    assert "a reader does not answer: it is ended" in caplog.text


def test_a_stop_is_quick_although_a_camera_is_silent(server: RtspServer, helper: Helper, reader: Reader) -> None:
    source = source_of(server.url("gate"), SourceSettings(fps=5.0), reader, Door(1))
    source.open()
    assert source.read(5.0) is not None
    server.stall("gate")
    source.close()
    began = time.monotonic()
    end_all([helper], PATIENCE_S)
    assert time.monotonic() - began < 3
    server.restore("gate")
    wait(lambda: server.clients("gate") == 0, PATIENCE_S)


@pytest.mark.parametrize(
    ("read_in", "live", "cores", "readers"),
    [
        ("auto", 0, 8, 0),
        ("auto", 32, 8, 0),
        ("auto", 33, 8, 2),
        ("auto", 64, 8, 2),
        ("auto", 65, 8, 3),
        ("auto", 640, 8, 8),
        ("auto", 64, 1, 1),
        ("threads", 640, 8, 0),
        ("processes", 1, 8, 1),
        ("processes", 0, 8, 1),
        ("processes", 64, 2, 2),
    ],
)
def test_there_is_a_reader_for_32_cameras_and_none_for_a_few(
    read_in: ReadIn, live: int, cores: int, readers: int
) -> None:
    assert readers_for(read_in, live, cores) == readers


def settings_of(name: str, source: str) -> Settings:
    return Settings(
        name=name,
        source=parse_source(source),
        profile=Path("x.vigil"),
        fps=5,
        priority=1,
        transport="tcp",
        paced=False,
        threshold=None,
        events=EventSettings(),
        health=HealthSettings(),
    )


def test_a_camera_goes_to_the_reader_that_has_fewest_and_stays_there() -> None:
    """None of them is there any more, and each says so by its name."""
    helpers = [Helper(f"reader-{number}", LogSettings()) for number in range(2)]
    end_all(helpers, 0)
    reading = Reading(helpers)

    def reader_of(name: str) -> str:
        source = reading.opener(settings_of(name, f"rtsp://{name}/1"), (48, 64), Door(1), Curtain())()
        with pytest.raises(SourceLost) as raised:
            source.open()
        return str(raised.value).partition("reader-")[2][:1]

    assert [reader_of(name) for name in "abcd"] == ["0", "1", "0", "1"]
    assert [reader_of(name) for name in "dcba"] == ["1", "0", "1", "0"], "asked again"
    reading.forget("b")
    reading.forget("d")
    assert [reader_of(name) for name in "efg"] == ["1", "1", "0"]


def test_files_are_read_by_the_daemon_itself_and_a_camera_that_becomes_one_gives_up_its_place(tmp_path: Path) -> None:
    clip = numbered_video(tmp_path / "clip.mp4", 10)
    helpers = [Helper(f"reader-{number}", LogSettings()) for number in range(2)]
    end_all(helpers, 0)
    reading = Reading(helpers)
    for name, source in (("a", "rtsp://a/1"), ("a", str(clip)), ("b", "rtsp://b/1")):
        opened = reading.opener(settings_of(name, source), (48, 64), Door(1), Curtain())()
        if name == "b":
            with pytest.raises(SourceLost, match="reader-0"):
                opened.open()
        elif source == str(clip):
            assert opened.read() is not None
        opened.close()
