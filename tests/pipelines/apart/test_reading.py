"""Cameras that are read apart, over real connections and real streams; the reader is on threads of the test."""

from __future__ import annotations

import http.server
import itertools
import socket
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from pipelines.door import Door
from pipelines.errors import SourceLost, SourceRefused, SourceStalled
from pipelines.masks import GREY, Curtain, Masks
from pipelines.simulation.faults import Faults
from pipelines.simulation.rtsp import RtspServer
from pipelines.sources.settings import SourceSettings
from pipelines.sources.source import NotYet, Sample, Source
from pipelines.zones import MaskSettings
from tests.pipelines.apart.near import Near, near
from tests.pipelines.cameras import Camera, source_of, wait
from tests.pipelines.sources.numbered import number_of, numbered_video, samples_of

FRAMES = 90
HOW = {"preset": "veryfast", "tune": "zerolatency", "x264-params": "scenecut=0"}
TOLD = ("time_s", "skipped", "shed", "corrupt", "part", "stream", "pts_s", "damaged", "hidden")
QUICK = SourceSettings(fps=5.0, open_timeout_s=0.5, read_timeout_s=0.3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("apart")
    numbered_video(folder / "clip.mkv", FRAMES, fps=15, gop=15, options=HOW, rotation=90)
    numbered_video(folder / "loop.mp4", FRAMES, fps=15, gop=15, options=HOW)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[RtspServer]:
    with RtspServer({"gate": folder / "loop.mp4", "yard": folder / "loop.mp4"}) as server:
        yield server


@pytest.fixture
def web(folder: Path) -> Iterator[str]:
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    handler.log_message = lambda *_: None  # type: ignore[attr-defined]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def here() -> Iterator[Near]:
    with near() as here:
        yield here


def first(source: Source) -> Sample:
    source.open()
    while True:
        try:
            sample = source.read(1.0)
        except NotYet:
            continue
        assert sample is not None
        return sample


def test_samples_and_pictures_are_those_that_the_daemon_would_have_read_itself(web: str, here: Near) -> None:
    """From a web server, so that both see the same from beginning to end."""
    url, settings = f"{web}/clip.mkv", SourceSettings(fps=5.0)
    own = samples_of(source_of(url, settings, None, Door(1)))
    apart = samples_of(source_of(url, settings, here.reader, Door(1)))
    assert len(own) == len(apart) == FRAMES // 3
    for one, other in zip(own, apart, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)
        np.testing.assert_array_equal(one.picture(), other.picture())
        assert other.picture().shape == (128, 96, 3), "upright"
        assert abs(one.wall_s - other.wall_s) < 60
        assert [getattr(one, field) for field in TOLD] == [getattr(other, field) for field in TOLD]


def test_a_live_camera_gives_the_same_frames_with_the_same_times(server: RtspServer, here: Near) -> None:
    settings = SourceSettings(fps=15.0)
    sources = [source_of(server.url("gate"), settings, reader, Door(1)) for reader in (None, here.reader)]
    seen: tuple[dict[int, Sample], dict[int, Sample]] = ({}, {})
    for source in sources:
        first(source)
    while len(common := sorted(set(seen[0]) & set(seen[1]))) < 6:
        for source, samples in zip(sources, seen, strict=True):
            sample = source.read(5.0)
            assert sample is not None
            samples[number_of(sample.pixels)] = sample
    for source in sources:
        source.close()
    for number in common:
        own, apart = seen[0][number], seen[1][number]
        np.testing.assert_array_equal(own.pixels, apart.pixels)
        assert own.stream == apart.stream
        assert abs(own.captured_ns - apart.captured_ns) < 1e9
    for one, other in itertools.pairwise(common):
        for field in ("time_s", "pts_s"):
            own_step, its_step = (getattr(samples[other], field) - getattr(samples[one], field) for samples in seen)
            assert own_step == pytest.approx(its_step, abs=1e-9)


def test_it_is_opened_once_and_closed_at_will(server: RtspServer, here: Near) -> None:
    source = source_of(server.url("gate"), QUICK, here.reader, Door(1))
    with pytest.raises(SourceRefused, match="not open"):
        source.read()
    source.open()
    source.open()
    assert here.asked_for == [("camera", threading.current_thread().name)]
    assert source.read() is not None, "without a patience it waits for a frame"
    assert (source.still, source.size_hint) == (False, None)
    source.close()
    source.close()


def test_a_reader_whose_capture_hangs_up_lets_go_of_the_camera(server: RtspServer, here: Near) -> None:
    source = source_of(server.url("gate"), QUICK, here.reader, Door(1))
    kept = first(source)
    assert server.clients("gate") == 1
    source.close()
    wait(lambda: server.clients("gate") == 0, 2)
    assert kept.picture().shape == (96, 128, 3)


def test_a_picture_is_kept_until_nobody_has_its_frame_whatever_becomes_of_its_camera(
    server: RtspServer, here: Near
) -> None:
    gate = source_of(server.url("gate"), SourceSettings(fps=15.0), here.reader, Door(1))
    yard = source_of(server.url("yard"), SourceSettings(fps=15.0), here.reader, Door(1))
    samples = [first(gate), *(gate.read(5.0) for _ in range(4))]
    gate.close()
    assert len(here.gallery) == 5
    numbers = [(number_of(sample.pixels), number_of(sample.picture())) for sample in samples if sample is not None]
    assert all(small == large for small, large in numbers)
    del samples[1:]
    kept = first(yard)
    assert len(here.gallery) == 2, "the request of another camera let go of four"
    del samples[:], kept
    assert yard.read(5.0) is not None
    assert len(here.gallery) == 1
    yard.close()


def test_frames_beyond_the_share_are_shed_in_the_reader_and_counted_here(server: RtspServer, here: Near) -> None:
    door = Door(1, share=0.25, credit=0.5)
    source = source_of(server.url("gate"), SourceSettings(fps=15.0), here.reader, door)
    source.open()
    samples = [sample for _ in range(3) if (sample := source.read(5.0)) is not None]
    assert [sample.shed for sample in samples] == [1, 3, 3], "by its credit the camera has half a frame already"
    assert (door.asked, door.passed) == (10, 3)
    door.share = 1.0
    assert source.read(5.0) is not None
    sample = source.read(5.0)
    assert sample is not None
    assert sample.shed == 0
    source.close()


def test_what_is_shed_while_no_frame_passes_is_counted_all_the_same(server: RtspServer, here: Near) -> None:
    door = Door(1, share=0.05, credit=0.0)
    source = source_of(server.url("gate"), SourceSettings(fps=15.0), here.reader, door)
    source.open()
    with pytest.raises(NotYet):
        source.read(0.5)
    assert door.asked >= 5
    assert door.passed == 0
    source.close()


@pytest.mark.parametrize("wrong", ["/nowhere?token=abc", "/gate"])
def test_a_camera_that_refuses_is_told_of_in_the_same_words_which_hold_no_secret(
    server: RtspServer, here: Near, wrong: str
) -> None:
    server.fault("gate", Faults(account="guard:sesame"))
    url = server.url("gate").replace("/gate", wrong).replace("rtsp://", "rtsp://admin:hunter2@")
    told = []
    for reader in (None, here.reader):
        source = None
        with pytest.raises(SourceRefused) as raised:  # noqa: PT012 - the one opens as it is made, the other does not
            source = source_of(url, QUICK, reader, Door(1))
            source.open()
        if source is not None:
            source.close()
        told.append(str(raised.value))
    server.restore("gate")
    assert told[0] == told[1]
    assert "hunter2" not in told[1]
    assert "abc" not in told[1]


def test_a_camera_that_is_not_there_is_lost_and_one_that_sends_nothing_more_stalled(
    server: RtspServer, here: Near
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"rtsp://127.0.0.1:{gone.getsockname()[1]}/x"
    away = source_of(url, QUICK, here.reader, Door(1))
    with pytest.raises(SourceLost, match="is it on and reachable"):
        away.open()
    away.close()
    source = source_of(server.url("gate"), QUICK, here.reader, Door(1))
    first(source)
    server.stall("gate")
    with pytest.raises(SourceStalled, match=r"no frame for 0\.3 s"):  # noqa: PT012 - what is on its way still comes
        while source.read(5.0) is not None:
            pass
    source.close()
    server.restore("gate")


def test_a_capture_keeps_a_camera_going_that_is_read_apart(server: RtspServer, here: Near) -> None:
    with Camera(server.url("gate"), here.reader) as camera:
        camera.wait_for_frames(3)
        server.drop("gate")
        camera.wait_for("lost")
        camera.wait_for_frames(3)
        assert [status.state for status in camera.states] == ["starting", "live", "lost", "live"]
    assert camera.value("frames_dropped_total", cause="corrupt") == 0
    assert {stage for stage, _ in here.asked_for} == {"camera"}


def test_what_is_hidden_stays_hidden_in_what_is_shown_when_the_reader_has_gone(server: RtspServer) -> None:
    masks = Masks.of([MaskSettings(polygon=((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))])
    with near() as here:
        source = Curtain(masks).before(source_of(server.url("gate"), QUICK, here.reader, Door(1)))
        sample = first(source)
        before = sample.picture()
        here.gallery.release(range(100))
        after = sample.picture()
        source.close()
    for picture in (before, after):
        assert picture.shape == (96, 128, 3)
        assert (picture[:, :64] == GREY).all()
    assert np.abs(before[:, 70:].astype(int) - after[:, 70:]).mean() < 10, "of low resolution, and the same otherwise"
