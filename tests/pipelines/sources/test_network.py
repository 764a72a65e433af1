"""Streams over real sockets: what answers, what refuses, what stalls."""

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest

from pipelines.errors import SourceError, SourceLost, SourceRefused
from pipelines.sources.libav import stop_blocking
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.sources.source import NotYet, Sample, Source
from pipelines.sources.spec import parse_source
from tests.pipelines.sources.numbered import numbered_picture, numbered_video, numbers, samples_of


class Handler(BaseHTTPRequestHandler):
    """Answers by path; a path may be a generator of bytes."""

    answers: ClassVar[dict[str, Callable[[], Iterator[bytes]]]] = {}
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path[1:].isdigit():
            self.send_error(int(path[1:]))
            return
        self.send_response(200)
        self.send_header(
            "Content-Type", "multipart/x-mixed-replace; boundary=frame" if "mjpeg" in path else "video/mp4"
        )
        if "page" in path:
            self.send_header("Content-Length", str(sum(map(len, self.answers[path]()))))
        self.end_headers()
        with contextlib.suppress(OSError):  # the other side hung up
            for chunk in self.answers[path]():
                self.wfile.write(chunk)
                self.wfile.flush()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def opened(url: str, **settings: object) -> Source:
    return open_source(parse_source(url), SourceSettings(**settings), (48, 64))  # type: ignore[arg-type]


def read_into(samples: list[Sample], source: Source) -> None:
    while (sample := source.read()) is not None:
        samples.append(sample)


def jpeg(number: int) -> bytes:
    ok, data = cv2.imencode(".jpg", numbered_picture(number))
    assert ok
    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n".encode()
    return head + data.tobytes() + b"\r\n"


def mjpeg(count: int, fps: float, then: float = 0.0) -> Callable[[], Iterator[bytes]]:
    def play() -> Iterator[bytes]:
        for number in range(count):
            yield jpeg(number)
            time.sleep(1 / fps)
        time.sleep(then)

    return play


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_camera_that_never_answers_is_lost_after_the_open_timeout(scheme: str, silent: int) -> None:
    began = time.monotonic()
    with pytest.raises(SourceLost, match=r"no answer within 0\.4 s"):
        opened(f"{scheme}://127.0.0.1:{silent}/live", open_timeout_s=0.4)
    assert 0.3 < time.monotonic() - began < 1.0


def test_dead_cameras_do_not_hold_up_each_other(silent: int) -> None:
    def attempt() -> None:
        with contextlib.suppress(SourceLost):
            opened(f"rtsp://127.0.0.1:{silent}/live", open_timeout_s=0.5)

    began = time.monotonic()
    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began < 1.5


def test_nothing_at_the_port_is_a_loss(silent: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(SourceLost, match="cannot connect: connection refused"):
        opened(f"rtsp://127.0.0.1:{port}/live")


@pytest.mark.parametrize(
    ("status", "kind", "why"),
    [
        (401, SourceRefused, "user name or password"),
        (403, SourceRefused, "forbidden"),
        (404, SourceRefused, "no such stream"),
        (500, SourceLost, "cannot connect"),
    ],
)
def test_what_the_server_says_decides_between_lost_and_refused(
    web: str, status: int, kind: type[SourceError], why: str
) -> None:
    with pytest.raises(kind, match=why) as error:
        opened(f"{web}/{status}?token=abc123".replace("http://", "http://admin:hunter2@"))
    assert type(error.value) is kind
    assert "hunter2" not in str(error.value)
    assert "abc123" not in str(error.value)


def test_no_secret_reaches_a_log_or_a_traceback(
    web: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    url = f"{web}/404?password=s3same".replace("http://", "http://admin:hunter2@")
    try:
        opened(url)
    except SourceRefused:
        logging.getLogger("vigil.test").exception("refused")
    text = caplog.text + "".join(capfd.readouterr())
    assert "refused" in text
    assert "hunter2" not in text
    assert "s3same" not in text


def test_a_web_page_is_no_camera(web: str) -> None:
    Handler.answers["/page"] = lambda: iter([b"<html>" + b"hello " * 20_000 + b"</html>"])
    with pytest.raises(SourceRefused, match="not a video"):
        opened(f"{web}/page")


def test_a_live_stream_is_sampled_and_its_end_is_a_loss(web: str) -> None:
    Handler.answers["/mjpeg"] = mjpeg(30, fps=30)
    with contextlib.closing(opened(f"{web}/mjpeg", fps=10.0)) as source:
        assert source.size_hint is None
        samples: list[Sample] = []
        with pytest.raises(SourceLost, match=r"ended|hung up"):
            read_into(samples, source)
    seen = numbers(samples)
    assert seen == sorted(set(seen))
    assert len(seen) >= 5


def test_a_stream_that_stalls_is_lost_after_the_read_timeout(web: str) -> None:
    Handler.answers["/mjpeg"] = mjpeg(10, fps=20, then=1.5)
    with contextlib.closing(opened(f"{web}/mjpeg", read_timeout_s=0.5)) as source:
        samples: list[Sample] = []
        with pytest.raises(SourceLost, match=r"no frame for 0\.5 s: stalled"):
            read_into(samples, source)
        assert 0.3 < time.monotonic() - samples[-1].captured_ns / 1e9 < 1.0


def test_a_stretch_of_a_live_stream_counts_from_its_first_frame(web: str) -> None:
    Handler.answers["/mjpeg"] = mjpeg(60, fps=30)
    samples = samples_of(opened(f"{web}/mjpeg#t=0.2,0.6"))
    assert samples
    assert all(0.19 <= s.time_s < 0.6 for s in samples)


def test_a_file_on_a_web_server_ends_like_a_file(web: str, tmp_path: Path) -> None:
    path = numbered_video(tmp_path / "clip.mp4", 40, options={"movflags": "+faststart"})
    Handler.answers["/clip.mp4"] = lambda: iter([path.read_bytes()])
    assert numbers(samples_of(opened(f"{web}/clip.mp4"))) == list(range(40))


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(SourceRefused, match="unknown protocol"):
        opened("nonsense://camera/1")


def test_an_absent_device_is_lost_since_it_may_be_plugged_in() -> None:
    with pytest.raises(SourceLost, match="no such device"):
        opened("device:97")


def test_a_patient_reader_is_told_that_there_is_nothing_yet(web: str) -> None:
    Handler.answers["/mjpeg"] = mjpeg(40, fps=30)
    with contextlib.closing(opened(f"{web}/mjpeg", fps=1.0)) as source:
        first = source.read(patience_s=0.2)
        assert first is not None
        for _ in range(3):
            with pytest.raises(NotYet):
                source.read(patience_s=0.2)
        second = source.read()
    assert second is not None
    assert second.time_s - first.time_s == pytest.approx(1.0, abs=0.1)
    assert 20 < second.skipped < 35


def test_a_paced_file_is_analysed_often_enough_to_stay_bounded() -> None:
    with pytest.raises(SourceRefused, match="too seldom"):
        opened("clip.mp4", fps=0.1, paced=True)


def test_a_device_is_made_to_return_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "device"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR)
    try:
        stop_blocking(pipe)
        assert not os.get_blocking(reader)
        with pytest.raises(BlockingIOError):
            os.read(reader, 1)
    finally:
        os.close(reader)


def test_pictures_can_be_converted_on_other_threads_while_reading_goes_on(tmp_path: Path) -> None:
    samples = samples_of(opened(str(numbered_video(tmp_path / "clip.mp4", 12))))
    expected = [sample.picture() for sample in samples]
    wrong: list[int] = []

    def convert() -> None:
        for _ in range(5):
            wrong.extend(i for i, s in enumerate(samples) if not np.array_equal(s.picture(), expected[i]))

    threads = [threading.Thread(target=convert) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
