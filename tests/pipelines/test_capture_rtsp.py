"""A camera's whole life over real RTSP: it opens, stalls, hangs up, refuses, dies and returns."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.simulation.faults import Faults
from pipelines.simulation.rtsp import RtspServer
from tests.pipelines.cameras import RETURN_S, Camera
from tests.pipelines.sources.numbered import number_of, numbered_video

FRAMES = 90


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    how = {"preset": "veryfast", "tune": "zerolatency", "x264-params": "scenecut=0"}
    return numbered_video(tmp_path_factory.mktemp("rtsp") / "loop.mp4", FRAMES, fps=15, gop=15, options=how)


@pytest.fixture
def server(clip: Path) -> Iterator[RtspServer]:
    with RtspServer({"gate": clip, "yard": clip}) as server:
        yield server


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_one_in_three_frames_is_analysed_evenly_and_at_once(server: RtspServer, transport: str) -> None:
    with Camera(server.url("gate"), transport=transport) as camera:
        camera.wait_for_frames(10, limit_s=8)
    seen = [number_of(f.pixels) for f in camera.frames]
    assert {(b - a) % FRAMES for a, b in itertools.pairwise(seen)} == {3}
    steps = [b.time_s - a.time_s for a, b in itertools.pairwise(camera.frames[1:])]
    assert steps == pytest.approx([0.2] * len(steps), abs=0.02)
    for frame in camera.frames[1:]:
        lag = (server.timeline("gate").position(frame.captured_ns / 1e9).index - number_of(frame.pixels)) % FRAMES
        assert lag <= 2
    assert camera.value("frames_sampled_out_total") == 2 * (len(seen) - 1)
    assert camera.value("frames_dropped_total", cause="corrupt") == 0


def test_the_first_key_frame_is_used(server: RtspServer) -> None:
    """Probing must not eat it: with long groups of pictures the next is seconds away."""
    with Camera(server.url("gate")) as camera:
        camera.wait_for_frames(1)
    assert number_of(camera.frames[0].pixels) % 15 == 0


def test_a_stalled_camera_is_lost_and_analysed_again_when_it_goes_on(server: RtspServer) -> None:
    with Camera(server.url("gate"), read_timeout_s=0.5, open_timeout_s=1) as camera:
        camera.wait_for_frames(3)
        server.stall("gate")
        assert camera.wait_for("lost") < 2
        assert "stalled" in camera.capture.status.reason
        time.sleep(1.5)  # a connection that answers and sends nothing is being tried meanwhile
        assert [s.state for s in camera.states][-1] == "lost"
        server.restore("gate")
        camera.wait_for_frames(3)
        assert [s.state for s in camera.states][-1] == "live"
    assert camera.longest_step_s < 2.5
    assert camera.value("camera_reconnects_total") == 1


def test_a_dropped_connection_is_made_again_and_numbers_go_on(server: RtspServer) -> None:
    with Camera(server.url("gate")) as camera:
        camera.wait_for_frames(3)
        server.drop("gate")
        camera.wait_for("lost")
        camera.wait_for_frames(5)
    assert [f.seq for f in camera.frames] == list(range(1, len(camera.frames) + 1))
    times = [f.time_s for f in camera.frames]
    assert times == sorted(set(times))
    gaps = [(b.time_s - a.time_s) - (b.captured_ns - a.captured_ns) / 1e9 for a, b in itertools.pairwise(camera.frames)]
    assert max(map(abs, gaps)) < 0.15
    assert [s.state for s in camera.states] == ["starting", "live", "lost", "live"]


def test_a_server_that_dies_and_returns_is_analysed_again_within_five_seconds(server: RtspServer) -> None:
    with Camera(server.url("gate")) as camera:
        camera.wait_for_frames(3)
        server.stop()
        camera.wait_for("lost")
        time.sleep(4)  # long enough for the waits to have grown to their longest
        assert "refused" in camera.capture.status.reason
        server.start()
        camera.wait_for_frames(1, limit_s=RETURN_S)
    assert camera.value("camera_up") == 0
    assert camera.value("camera_reconnects_total") == 1


def test_a_camera_that_turns_clients_away_is_lost_and_an_unknown_one_refused(server: RtspServer) -> None:
    server.refuse("gate")
    unknown = server.url("gate").replace("/gate", "/nowhere?token=abc").replace("rtsp://", "rtsp://admin:hunter2@")
    with Camera(server.url("gate")) as camera, Camera(unknown) as other:
        camera.wait_for("lost")
        other.wait_for("refused")
        assert "404" in other.capture.status.reason
        assert "hunter2" not in other.capture.status.reason
        assert "abc" not in other.capture.status.reason
        server.restore("gate")
        camera.wait_for_frames(2)


def test_a_lost_camera_does_not_disturb_the_others(server: RtspServer) -> None:
    with Camera(server.url("gate")) as camera, Camera(server.url("yard")) as other:
        other.wait_for_frames(2)
        camera.wait_for_frames(2)
        before = len(other.frames)
        server.drop("gate")
        server.refuse("gate")
        time.sleep(2)
        assert 8 <= len(other.frames) - before <= 12
    seen = [number_of(f.pixels) for f in other.frames]
    assert {(b - a) % FRAMES for a, b in itertools.pairwise(seen)} == {3}


def test_a_camera_slower_to_its_key_frame_than_the_timeouts_is_waited_for(tmp_path: Path) -> None:
    slow = numbered_video(tmp_path / "slow.mp4", 60, fps=15, gop=60, options={"x264-params": "scenecut=0"})
    with RtspServer({"slow": slow}) as server:
        with Camera(server.url("slow"), read_timeout_s=0.5, open_timeout_s=0.5) as camera:
            camera.wait_for_frames(2, limit_s=10)
        assert not any(status.state == "lost" for status in camera.states)
        assert camera.longest_step_s < 2.5


def test_an_account_in_the_url_opens_a_camera_that_asks_for_it_by_digest(server: RtspServer) -> None:
    server.fault("gate", Faults(account="guard:open sesame"))
    known = server.url("gate").replace("rtsp://", "rtsp://guard:open%20sesame@")
    with Camera(known) as camera, Camera(known.replace("sesame", "barley")) as stranger:
        camera.wait_for_frames(3)
        stranger.wait_for("refused")
    assert "user name or password refused (401)" in stranger.capture.status.reason
    assert "barley" not in stranger.capture.status.reason
    assert not stranger.frames
