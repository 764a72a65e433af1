"""A reader that is not itself any more: what strangers sent it made it talk nonsense, fall silent or end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import numpy as np
import pytest

from pipelines.apart.camera_messages import Opened, encode
from pipelines.apart.channel import Channel
from pipelines.apart.pictures import Pictures
from pipelines.apart.reading import ApartPicture, ApartSource, Reader
from pipelines.door import Door
from pipelines.errors import HelperError, SourceLost
from pipelines.sources.settings import SourceSettings
from pipelines.sources.spec import parse_source

SIZE = (4, 6)
PIXELS = bytes(range(72))
SOUND: dict[str, Any] = {
    "type": "Given",
    "asked": 1,
    "passed": 1,
    "picture_size": [96, 128],
    "time_s": 1.0,
    "captured_ns": 1,
    "wall_s": 1.0,
    "skipped": 0,
    "shed": 0,
    "corrupt": 0,
    "stream": {"width": 128, "height": 96, "codec": "h264", "live": True},
    "pts_s": None,
    "damaged": False,
}
HURRY = SourceSettings(read_timeout_s=0.1, open_timeout_s=0.1)
Parts = Sequence[bytes]


def given(**wrong: object) -> bytes:
    return msgspec.msgpack.encode(SOUND | wrong)


class Stranger:
    """Answers what it is told to, one message after the other, and nothing more."""

    def __init__(self, *messages: Parts) -> None:
        self.ended = 0
        self._messages = list(messages)
        self._channels: list[Channel] = []
        self._threads: list[threading.Thread] = []

    def connect(self, _stage: str, _thread: str) -> Channel:
        ours, theirs = Channel.pair()
        self._channels.append(Channel(theirs))
        self._threads.append(threading.Thread(target=self._talk, args=(self._channels[-1],)))
        self._threads[-1].start()
        return ours

    def _talk(self, channel: Channel) -> None:
        try:
            while True:
                channel.receive()
                if self._messages:
                    channel.send(*self._messages.pop(0))
        except HelperError:
            pass

    def end(self) -> None:
        self.ended += 1
        self.leave()

    def leave(self) -> None:
        for channel in self._channels:
            channel.hang_up()
        for thread in self._threads:
            thread.join()
        for channel in self._channels:
            channel.close()


@contextmanager
def source_of(stranger: Stranger) -> Iterator[ApartSource]:
    reader = Reader(stranger.connect, stranger.end, doubt_s=0.2)
    spec = parse_source("rtsp://admin:hunter2@camera/1")
    source = ApartSource(reader, spec, HURRY, SIZE, Door(1), grace_s=0.2)
    yield source
    source.close()
    reader.pictures.close()
    stranger.leave()


OPENED = [encode(Opened())]


@pytest.mark.parametrize(
    "nonsense",
    [
        [],
        [b""],
        [b"\xc1"],
        [b"\x80\x04\x95cos\nsystem\n"],
        [msgspec.msgpack.encode({"type": "Given"})],
        [msgspec.msgpack.encode({"type": "Read", "number": 1, "share": 1.0, "patience_s": 1.0, "released": []})],
        [msgspec.msgpack.encode({"type": "Failed", "failure": "odd", "text": "x"})],
        OPENED,
        [given()],
        [given(), PIXELS[1:]],
        [given(), PIXELS + b"x"],
        [given(), PIXELS, PIXELS],
        [given(picture_size=[0, 1]), PIXELS],
        [given(picture_size=[32768, 32768]), PIXELS],
        [given(picture_size=[96, 128, 3]), PIXELS],
        [given(asked=-1), PIXELS],
        [given(skipped=-1), PIXELS],
        [given(skipped=1 << 60), PIXELS],
        [given(shed=0.5), PIXELS],
        [given(time_s=float("nan")), PIXELS],
        [given(pts_s=float("inf")), PIXELS],
        [given(wall_s=1e18), PIXELS],
        [given(captured_ns=-1), PIXELS],
        [given(stream={"width": "x"}), PIXELS],
        [given(stream={"width": 128, "height": 96, "codec": "x" * 10_000, "live": True}), PIXELS],
    ],
)
def test_nonsense_loses_the_camera_and_nothing_else(nonsense: Parts) -> None:
    with source_of(Stranger(OPENED, nonsense)) as source:
        source.open()
        with pytest.raises(SourceLost, match="its reader sent what is no answer") as raised:
            source.read(0.1)
        assert "hunter2" not in str(raised.value)


def test_the_same_without_a_flaw_is_a_frame() -> None:
    with source_of(Stranger(OPENED, [given(), PIXELS])) as source:
        source.open()
        sample = source.read(0.1)
        assert sample is not None
        assert sample.pixels.tobytes() == PIXELS
        del sample


def test_nonsense_in_place_of_an_opening_loses_the_camera() -> None:
    with source_of(Stranger([given(), PIXELS])) as source, pytest.raises(SourceLost, match="no answer"):
        source.open()


def test_a_text_without_end_is_cut_short() -> None:
    failed = msgspec.msgpack.encode({"type": "Failed", "failure": "lost", "text": "x" * 5000})
    with source_of(Stranger([failed])) as source, pytest.raises(SourceLost) as raised:
        source.open()
    assert len(str(raised.value)) <= 1000


def test_a_reader_that_answers_nothing_at_all_loses_its_camera_and_is_ended() -> None:
    stranger = Stranger()
    with source_of(stranger) as source, pytest.raises(SourceLost, match="its reader does not answer"):
        source.open()
    assert stranger.ended == 1


def test_a_reader_is_ended_once_however_many_cameras_waited_in_vain() -> None:
    """The one that follows needs a moment before it answers."""
    stranger = Stranger()
    reader = Reader(stranger.connect, stranger.end, doubt_s=0.2)

    def open_one() -> None:
        source = ApartSource(reader, parse_source("rtsp://camera/1"), HURRY, SIZE, Door(1), grace_s=0.1)
        with pytest.raises(SourceLost):
            source.open()
        source.close()

    threads = [threading.Thread(target=open_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stranger.ended == 1
    reader.pictures.close()
    stranger.leave()


def test_a_reader_that_only_has_trouble_with_one_camera_goes_on() -> None:
    """What a camera waits for is one thread of many: another question is answered."""

    class OneEar(Stranger):
        def connect(self, stage: str, thread: str) -> Channel:
            self._messages = [[msgspec.msgpack.encode(None)]] if stage == "pictures" else []
            return super().connect(stage, thread)

    stranger = OneEar()
    with source_of(stranger) as source, pytest.raises(SourceLost, match="its reader does not answer"):
        source.open()
    assert stranger.ended == 0


def test_a_reader_that_ends_loses_its_camera() -> None:
    stranger = Stranger(OPENED)
    with source_of(stranger) as source:
        source.open()
        stranger.leave()
        with pytest.raises(SourceLost, match="its reader has ended"):
            source.read(0.1)


def test_a_reader_that_cannot_be_had_loses_its_camera() -> None:
    def connect(_stage: str, _thread: str) -> Channel:
        raise HelperError("reader-0 has been ended")

    source = ApartSource(Reader(connect, lambda: None), parse_source("rtsp://camera/1"), HURRY, SIZE, Door(1))
    with pytest.raises(SourceLost, match="reader-0 has been ended"):
        source.open()
    source.close()


SMALL = np.full((*SIZE, 3), 7, np.uint8)


def picture_of(answers: Sequence[Parts], patience_s: float = 0.2) -> Callable[[], np.ndarray]:
    """A picture that a stranger is asked for."""
    stranger = Stranger(*answers)
    pictures = Pictures(stranger.connect, patience_s)
    picture = ApartPicture(pictures, 5, (96, 128), SMALL)

    def shown() -> np.ndarray:
        try:
            return picture()
        finally:
            pictures.close()
            stranger.leave()

    return shown


@pytest.mark.parametrize(
    "answer",
    [
        [],
        [b"\xc1"],
        [msgspec.msgpack.encode(None)],
        [msgspec.msgpack.encode([2, 3])],
        [msgspec.msgpack.encode([2, 3]), b"short"],
        [msgspec.msgpack.encode([2, -3]), bytes(18)],
        [msgspec.msgpack.encode([2]), bytes(18)],
        [msgspec.msgpack.encode("a picture"), bytes(18)],
    ],
)
def test_a_picture_that_cannot_be_had_is_shown_as_the_frame_has_it(answer: Parts) -> None:
    picture = picture_of([answer])()
    assert picture.shape == (96, 128, 3)
    assert (picture == 7).all()


def test_a_picture_comes_at_whatever_size_it_is() -> None:
    np.testing.assert_array_equal(
        picture_of([[msgspec.msgpack.encode([2, 3]), bytes(range(18))]])(),
        np.arange(18, dtype=np.uint8).reshape(2, 3, 3),
    )


def test_who_needs_pictures_waits_once_for_a_reader_that_is_silent() -> None:
    stranger = Stranger()
    pictures = Pictures(stranger.connect, 0.3)
    began = time.monotonic()
    for number in range(20):
        assert pictures.ask(number) is None
    assert time.monotonic() - began < 1
    pictures.close()
    stranger.leave()


def test_pictures_are_asked_of_the_reader_that_is_there_now() -> None:
    """The connection led to one that has ended; this must not cost a picture of the one after it."""
    answer = [msgspec.msgpack.encode([1, 1]), b"rgb"]
    stranger = Stranger(answer, answer)
    pictures = Pictures(stranger.connect, 0.5)
    assert pictures.ask(1) is not None
    stranger.leave()
    assert pictures.ask(2) is not None
    pictures.close()
    stranger.leave()
