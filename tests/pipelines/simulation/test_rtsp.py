"""The camera server, played by a real client."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from pipelines.errors import SourceError, SourceRefused
from pipelines.simulation.encode import Encoder
from pipelines.simulation.rtp import load_clip
from pipelines.simulation.rtsp import RtspServer
from tests.pipelines.simulation.playing import frames, playing


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_stream_plays_on_over_the_end_of_its_clip(server: RtspServer, transport: str) -> None:
    """The clip lasts two seconds; three are played, and no timestamp jumps."""
    with playing(server.url("front"), transport) as container:
        played = frames(container, 45)
    assert {(frame.width, frame.height) for frame in played} == {(160, 96)}
    assert not any(frame.is_corrupt for frame in played)
    stamps = [frame.pts for frame in played if frame.pts is not None]
    assert {after - before for before, after in pairwise(stamps)} == {6000}


def test_the_server_knows_which_frame_it_sends(tmp_path: Path) -> None:
    """A clip whose grey level counts its frames: what is decoded is what the timeline says, to about a frame."""
    path = tmp_path / "counting.mp4"
    encoder = Encoder(path, (64, 64), 15, key_interval_s=1 / 3)
    for index in range(45):
        encoder.add(np.full((64, 64, 3), 20 + 4 * index, np.uint8))
    encoder.close()
    with RtspServer({"count": path}) as server, playing(server.url("count")) as container:
        line = server.timeline("count")
        decoded, late = container.decode(video=0), []
        for frame in (next(decoded) for _ in range(45)):
            seen = (float(frame.to_ndarray(format="rgb24").mean()) - 20) / 4
            told = line.position(time.monotonic()).index
            late.append((told - seen + 22) % 45 - 22)
        assert abs(np.median(late)) < 1.6
        assert line.position_at_wall(time.time()).rounds >= 0


def test_eight_clients_at_once_share_the_timeline(server: RtspServer) -> None:
    counts: dict[int, int] = {}

    def play(client: int) -> None:
        with playing(server.url("front" if client % 2 else "back")) as container:
            counts[client] = len(frames(container, 20))

    threads = [threading.Thread(target=play, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(15)
    assert counts == dict.fromkeys(range(8), 20)


def test_a_stalled_stream_is_silent_and_comes_back(server: RtspServer) -> None:
    with playing(server.url("front")) as container:
        frames(container, 5)
        server.stall("front")
        started = time.monotonic()
        with pytest.raises((av.FFmpegError, StopIteration)):
            frames(container, 30)
        assert time.monotonic() - started > 0.8, "the connection must stay open while the stream is stalled"
    server.restore("front")
    with playing(server.url("front")) as container:
        assert len(frames(container, 5)) == 5


def test_dropped_clients_are_cut_off_and_the_others_are_not(server: RtspServer) -> None:
    with playing(server.url("front")) as dropped, playing(server.url("back")) as kept:
        frames(dropped, 3)
        frames(kept, 3)
        server.drop("front")
        started = time.monotonic()
        with pytest.raises((av.FFmpegError, StopIteration)):
            frames(dropped, 60)
        assert time.monotonic() - started < 1.5
        assert len(frames(kept, 15)) == 15


def test_a_refused_stream_takes_no_new_clients_until_restored(server: RtspServer) -> None:
    server.refuse("front")
    with pytest.raises(av.FFmpegError), playing(server.url("front")):
        pass
    with playing(server.url("back")) as container:
        assert frames(container, 1)
    server.restore("front")
    with playing(server.url("front")) as container:
        assert frames(container, 1)


def test_the_server_can_go_away_and_come_back_on_its_port(server: RtspServer) -> None:
    port, line = server.port, server.timeline("front")
    server.stop()
    with pytest.raises(av.FFmpegError), playing(server.url("front")):
        pass
    server.start()
    assert server.port == port
    assert server.timeline("front") is line
    with playing(server.url("front")) as container:
        assert frames(container, 1)


def test_clients_that_left_are_forgotten(server: RtspServer) -> None:
    with playing(server.url("front")) as container:
        frames(container, 1)
        assert server.clients("front") == 1
    deadline = time.monotonic() + 3
    while server.clients("front") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.clients("front") == 0


def test_requests_are_answered_as_the_protocol_says(server: RtspServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=3) as connection:

        def ask(text: str) -> str:
            connection.sendall(text.replace("\n", "\r\n").encode())
            return connection.recv(4096).decode()

        base = f"rtsp://127.0.0.1:{server.port}"
        assert "DESCRIBE" in ask(f"OPTIONS {base}/front RTSP/1.0\nCSeq: 7\n\n")
        assert ask(f"PLAY {base}/front RTSP/1.0\nCSeq: 8\n\n").startswith("RTSP/1.0 455")
        assert ask(f"DESCRIBE {base}/nowhere RTSP/1.0\nCSeq: 9\n\n").startswith("RTSP/1.0 404")
        assert ask(f"RECORD {base}/front RTSP/1.0\nCSeq: 10\n\n").startswith("RTSP/1.0 501")
        offer = "Transport: RTP/AVP;multicast\n\n"
        assert ask(f"SETUP {base}/front/trackID=0 RTSP/1.0\nCSeq: 11\n{offer}").startswith("RTSP/1.0 461")
        answer = ask(f"GET_PARAMETER {base}/front RTSP/1.0\nCSeq: 12\nContent-Length: 5\n\nhello")
        assert answer.startswith("RTSP/1.0 200 OK\r\nCSeq: 12")


def test_large_pictures_are_fragmented_and_numbered_without_gaps(clip: Path) -> None:
    loaded = load_clip(clip)
    assert loaded.duration_s == pytest.approx(2.0)
    assert loaded.key_interval_s == pytest.approx(1 / 3)
    assert all(len(payload) <= 1388 for picture in loaded.pictures for payload in picture.payloads)
    key = loaded.pictures[0].payloads
    assert [payload[0] & 31 for payload in key[:2]] == [7, 8]
    fragments = [payload for payload in key if payload[0] & 31 == 28]
    assert fragments[0][1] & 0x80
    assert fragments[-1][1] & 0x40


def test_a_taken_port_is_told(server: RtspServer, clip: Path) -> None:
    with pytest.raises(SourceError, match="cannot serve on"):
        RtspServer({"front": clip}, port=server.port).start()


def test_what_is_no_video_is_told(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("no video")
    with pytest.raises(SourceRefused, match=r"notes\.mp4"):
        RtspServer({"front": path})


def test_it_runs_as_a_process_of_its_own(clip: Path) -> None:
    command = [sys.executable, "-m", "pipelines.simulation.rtsp", "--port", "0", f"front={clip}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        stream = told["streams"]["front"]
        assert stream["duration_s"] == pytest.approx(2.0)
        assert 0 <= time.monotonic() - stream["began_monotonic_s"] < 10
        with playing(stream["url"]) as container:
            frames(container, 3)
            process.stdin.write("drop front\n")
            process.stdin.flush()
            with pytest.raises((av.FFmpegError, StopIteration)):
                frames(container, 60)
        process.stdin.write("quit\n")
        process.stdin.close()
        assert process.wait(5) == 0
