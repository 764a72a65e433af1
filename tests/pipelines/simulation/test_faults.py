"""Faults of the stand-in cameras, as a plain client meets them."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import av
import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.simulation.control import obey
from pipelines.simulation.faults import Faults, Look, spoil
from pipelines.simulation.rtsp import RtspServer
from tests.pipelines.simulation.playing import frames, playing

Picture = NDArray[np.float32]
PATIENCE_S = 20.0
STILL = 16
"""Frames of more than a second: what is frozen begins anew within."""


def picture(frame: av.VideoFrame) -> Picture:
    return frame.to_ndarray(format="rgb24").astype(np.float32)


def steps(seen: list[av.VideoFrame]) -> list[int]:
    """From each frame to the next, in ticks of 90 kHz; libav does not say when the very first one is."""
    stamps = [frame.pts for frame in seen if frame.pts is not None]
    return [after - before for before, after in pairwise(stamps)]


def sharpness(seen: Picture) -> float:
    return float(np.abs(np.diff(seen.mean(axis=2), axis=1)).mean())


def colour(seen: Picture) -> float:
    return float(np.ptp(seen, axis=2).mean())


def await_look(decoded: Iterator[av.VideoFrame], is_so: Callable[[Picture], bool]) -> av.VideoFrame:
    """The first frame of which it is so: a look begins with a key frame, and the client has some frames in hand."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if is_so(picture(frame := next(decoded))):
            return frame
    raise AssertionError("the look did not come")


@pytest.mark.parametrize(
    ("look", "is_so"),
    [
        ("black", lambda seen: seen.max() < 40),
        ("white", lambda seen: seen.min() > 215),
        ("blurred", lambda seen: sharpness(seen) < 3),
        ("covered", lambda seen: seen.mean() < 70 and sharpness(seen) < 3),
        ("infrared", lambda seen: colour(seen) < 2),
        ("resized", lambda seen: seen.shape == (72, 120, 3)),
    ],
)
def test_a_look_comes_and_goes_in_mid_stream(server: RtspServer, look: Look, is_so: Callable[[Picture], bool]) -> None:
    with playing(server.url("front")) as container:
        decoded = container.decode(video=0)
        first = next(decoded)
        assert not is_so(picture(first))
        server.fault("front", Faults(look=look))
        changed = await_look(decoded, is_so)
        server.restore("front")
        back = await_look(decoded, lambda seen: not is_so(seen))
    assert not any(frame.is_corrupt for frame in (first, changed, back))
    assert all(step > 0 and step % 6000 == 0 for step in steps([first, changed, back])), "the timeline goes on"


def test_a_shaken_camera_shows_its_scene_at_other_places(server: RtspServer, clip: Path) -> None:
    server.fault("front", Faults(look="shaken"))
    with playing(server.url("front")) as container, playing(server.url("back")) as sound:
        moved = [picture(frame) for frame in frames(container, 8)]
        still = [picture(frame) for frame in frames(sound, 8)]
    change = [np.abs(b - a).mean() for a, b in pairwise(moved)]
    assert min(change) > 1.5 * np.median([np.abs(b - a).mean() for a, b in pairwise(still)])


@pytest.mark.parametrize("look", ["frozen", "repeated"])
def test_a_frozen_camera_goes_on_sending_one_picture(server: RtspServer, look: Look) -> None:
    with playing(server.url("front")) as container:
        decoded = container.decode(video=0)
        server.fault("front", Faults(look=look))
        frozen = [next(decoded)]
        deadline = time.monotonic() + PATIENCE_S
        while len(frozen) < STILL and time.monotonic() < deadline:
            frame = next(decoded)
            same = np.abs(picture(frame) - picture(frozen[-1])).mean() < 2.0
            frozen = [*frozen, frame] if same else [frame]
        assert len(frozen) == STILL
        assert {frame.key_frame for frame in frozen[1:]} == ({True} if look == "repeated" else {True, False})
        server.restore("front")
        assert await_look(decoded, lambda seen: bool(np.abs(seen - picture(frozen[-1])).mean() > 1.0))


def test_a_slow_camera_sends_a_third_of_its_frames(server: RtspServer) -> None:
    server.fault("front", Faults(look="slow"))
    with playing(server.url("front")) as container:
        assert set(steps(frames(container, 8))) == {18_000}


def test_timestamps_jump_and_overflow_and_the_pictures_go_on(server: RtspServer) -> None:
    server.wrap("front", 0.6)
    with playing(server.url("front")) as container:
        assert set(steps(frames(container, 20))) == {6000}, "an overflow is no jump"
        server.jump("front", 3600)
        deadline = time.monotonic() + PATIENCE_S
        while max(steps(frames(container, 8))) < 3600 * 90_000:
            assert time.monotonic() < deadline


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_spoilt_and_lost_packets_leave_a_stream_that_goes_on(server: RtspServer, transport: str) -> None:
    server.fault("front", Faults(corrupt=0.05, lost=0.05))
    assert server.spoilt_since_s("front") is None
    asked_s, decoded = time.monotonic(), 0
    with playing(server.url("front"), transport) as container:
        packets = container.demux(video=0)
        for _ in range(24):
            try:
                decoded += len(next(packets).decode())
            except av.FFmpegError:
                continue
    assert decoded > 5
    spoilt_s = server.spoilt_since_s("front")
    assert spoilt_s is not None
    assert asked_s <= spoilt_s < time.monotonic()


def test_a_slow_link_brings_pictures_late(server: RtspServer) -> None:
    with playing(server.url("front"), read_s=5.0) as container:
        frames(container, 3)
        server.fault("front", Faults(link_bytes_s=2_000))
        deadline = time.monotonic() + PATIENCE_S
        took_s = 0.0
        while took_s < 0.4:
            began = time.monotonic()
            assert began < deadline
            frames(container, 1)
            took_s = time.monotonic() - began
        server.restore("front")
        assert len(frames(container, 10)) == 10


def test_a_reset_is_a_reset(server: RtspServer) -> None:
    address = urlsplit(server.url("front"))
    with socket.create_connection(("127.0.0.1", server.port), timeout=3) as connection:

        def ask(method: str, more: str = "") -> None:
            text = f"{method} {address.geturl()} RTSP/1.0\nCSeq: 1\n{more}\n"
            connection.sendall(text.replace("\n", "\r\n").encode())
            assert b"200 OK" in connection.recv(4096)

        ask("SETUP", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\n")
        ask("PLAY")
        server.reset("front")
        with pytest.raises(ConnectionResetError):
            _read_to_the_end(connection)


def _read_to_the_end(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def test_a_mute_camera_takes_connections_and_says_nothing(server: RtspServer) -> None:
    server.fault("front", Faults(mute=True))
    with socket.create_connection(("127.0.0.1", server.port), timeout=0.5) as connection:
        connection.sendall(f"OPTIONS {server.url('front')} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        with pytest.raises(TimeoutError):
            connection.recv(1)
    with playing(server.url("back")) as container:
        assert frames(container, 1)


def test_an_account_is_asked_for_by_digest(server: RtspServer) -> None:
    server.fault("front", Faults(account="guard:open sesame"))
    url = server.url("front")
    with pytest.raises(av.error.HTTPUnauthorizedError), playing(url):
        pass
    with pytest.raises(av.error.HTTPUnauthorizedError), playing(url.replace("rtsp://", "rtsp://guard:wrong@")):
        pass
    with playing(url.replace("rtsp://", "rtsp://guard:open%20sesame@")) as container:
        assert len(frames(container, 2)) == 2


def test_a_flapping_camera_is_there_and_away_by_turns(server: RtspServer) -> None:
    server.fault("front", Faults(flap_s=0.7))
    with playing(server.url("front")) as container, pytest.raises((av.FFmpegError, StopIteration)):
        frames(container, 60)
    with pytest.raises(av.FFmpegError), playing(server.url("front")):
        pass
    deadline = time.monotonic() + 10
    while True:
        try:
            with playing(server.url("front")) as container:
                assert frames(container, 1)
            break
        except (av.FFmpegError, StopIteration):
            assert time.monotonic() < deadline


def test_spoiling_keeps_headers_and_order() -> None:
    packets = [bytes([number]) * 40 for number in range(200)]
    arrived = spoil(packets, Faults(corrupt=0.5, lost=0.25), random.Random(1))
    assert 120 < len(arrived) < 180
    numbers = [packet[0] for packet in arrived]
    assert numbers == sorted(numbers)
    spoilt = [packet for packet in arrived if packet != packets[packet[0]]]
    assert 0.3 < len(spoilt) / len(arrived) < 0.7
    assert all(packet[:12] == bytes([packet[0]]) * 12 and len(packet) == 40 for packet in arrived)
    assert spoil(packets, Faults(), random.Random(1)) == packets


def test_a_parent_process_switches_faults_by_lines_and_is_answered(server: RtspServer) -> None:
    answers: list[dict[str, str]] = []
    lines = [
        'faults front {"corrupt": 0.25, "look": "black"}',
        "prepare front blurred",
        "jump front 5",
        'faults front {"corrupt": 2}',
        "prepare front pretty",
        "stall nobody",
        "jump front soon",
        "quit",
        "restore front",
    ]
    obey(server, lines, lambda text: answers.append(json.loads(text)))
    assert [next(iter(answer)) for answer in answers] == ["done", "done", "done", *["refused"] * 4]
    assert "corrupt" in answers[3]["refused"]
    assert "blurred" in answers[4]["refused"]
    assert server.faults("front") == Faults(corrupt=0.25, look="black")
    assert msgspec.json.decode(msgspec.json.encode(server.faults("front")), type=Faults) == server.faults("front")
