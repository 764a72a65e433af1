"""Cameras that are read in a helper process: sources like any other, to the captures that read them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from engines.contract import Pixels
from engines.quoting import shortened
from pipelines.apart.camera_messages import (
    Answer,
    Failed,
    Failure,
    Given,
    Open,
    Opened,
    Over,
    Read,
    Request,
    Waiting,
    encode,
)
from pipelines.apart.camera_messages import decode_answer as decode
from pipelines.apart.channel import Channel, Received
from pipelines.apart.pictures import Connect, Pictures
from pipelines.door import Door
from pipelines.errors import HelperError, HelperSilent, SourceError, SourceLost, SourceRefused, SourceStalled
from pipelines.sources.settings import SourceSettings
from pipelines.sources.source import NotYet, Sample
from pipelines.sources.spec import SourceSpec

log = logging.getLogger("vigil.reading")

GRACE_S: Final = 8.0
"""Beyond the source's own time-outs, an answer is waited for so long: a machine may be busy, a helper just starting."""
_PATIENCE_S: Final = 1.0
_DOUBT_S: Final = 3.0
_MOST_PIXELS: Final = 1 << 27
"""Of a picture that is made up here because the real one cannot be had."""
_LONGEST_ANSWER: Final = 1 << 13
"""Bytes, beside the pixels."""
_LONGEST_TEXT: Final = 1000
_ERRORS: Final[dict[Failure, type[SourceError]]] = {
    "lost": SourceLost,
    "stalled": SourceStalled,
    "refused": SourceRefused,
}


class Reader:
    """A helper process that reads cameras. Any thread may use it."""

    def __init__(self, connect: Connect, end: Callable[[], None], doubt_s: float = _DOUBT_S) -> None:
        """`connect` starts the helper when it is not there; `end` ends it at once, whatever it does.

        It is ended when it answers nothing within `doubt_s`.
        """
        self.connect = connect
        self.pictures = Pictures(connect)
        self._end = end
        self._doubt_s = doubt_s
        self._one_at_a_time = threading.Lock()
        self.ended = 0
        """How often it was ended for want of answers."""

    def doubt(self, ended: int) -> None:
        """A camera, connected when the reader had been `ended` so often, waited in vain.

        Ends a reader that answers nothing else either; the next call starts it again.
        """
        with self._one_at_a_time:
            if self.ended == ended and not self.pictures.answers(self._doubt_s):
                log.error("a reader does not answer: it is ended")
                self.ended += 1
                self._end()


class ApartPicture:
    """A frame's picture, which its reader keeps for as long as this is there."""

    def __init__(self, pictures: Pictures, number: int, size: tuple[int, int], pixels: Pixels) -> None:
        """Of this height and width; `pixels`, uint8 [H, W, 3], are shown instead when it cannot be had."""
        self._pictures = pictures
        self._number = number
        self._size = size
        self._pixels = pixels

    def __call__(self) -> Pixels:
        """The picture as uint8 [H, W, 3] RGB, of low resolution when the reader has gone and taken it along."""
        picture = self._pictures.ask(self._number)
        if picture is not None:
            return picture
        height, width = self._size
        return np.asarray(cv2.resize(self._pixels, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)

    def __del__(self) -> None:
        self._pictures.numbers.release([self._number])


class ApartSource:
    """A live source that is opened and read by a reader. Used by one thread."""

    still = False
    size_hint = None

    def __init__(
        self,
        reader: Reader,
        spec: SourceSpec,
        settings: SourceSettings,
        input_size: tuple[int, int],
        door: Door,
        *,
        grace_s: float = GRACE_S,
    ) -> None:
        """The reader asks a door of its own, by the share of `door`, which is told of what came of it."""
        self._reader = reader
        self._spec = spec
        self._settings = settings
        self._input_size = input_size
        self._door = door
        self._grace_s = grace_s
        self._channel: Channel | None = None
        self._ended = 0

    def open(self) -> None:
        """Have the reader open it; does nothing when open."""
        if self._channel is not None:
            return
        self._ended = self._reader.ended
        try:
            self._channel = self._reader.connect("camera", threading.current_thread().name)
        except HelperError as error:
            raise SourceLost(f"{self._spec.label}: {error}") from None
        request = Open(self._spec, self._settings, self._input_size, self._door.credit)
        answer, _ = self._ask(request, 2 * self._settings.open_timeout_s)
        if not isinstance(answer, Opened):
            raise self._nonsense()

    def read(self, patience_s: float | None = None) -> Sample | None:
        """The next sample; None when the source is over. Raises NotYet when `patience_s` passes without one."""
        while True:
            try:
                return self._read(_PATIENCE_S if patience_s is None else patience_s)
            except NotYet:
                if patience_s is not None:
                    raise

    def close(self) -> None:
        """Hang up; the reader lets go of the source."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _read(self, patience_s: float) -> Sample | None:
        pictures = self._reader.pictures
        number, released = pictures.numbers.give(), pictures.numbers.released()
        try:
            answer, rest = self._ask(Read(number, self._door.share, patience_s, released), patience_s)
        except SourceError:
            pictures.numbers.release([number, *released])  # who knows what the reader made of it
            raise
        if isinstance(answer, Waiting | Given):
            self._door.count(answer.asked, answer.passed)
        if isinstance(answer, Waiting):
            raise NotYet
        if isinstance(answer, Over):
            return None
        if not isinstance(answer, Given):
            raise self._nonsense()
        return self._sample(answer, rest, number)

    def _sample(self, given: Given, rest: Received, number: int) -> Sample:
        height, width = self._input_size
        if len(rest) != 1 or rest[0].size != height * width * 3 or np.prod(given.picture_size) > _MOST_PIXELS:
            raise self._nonsense()
        pixels = rest[0].reshape(height, width, 3)
        return Sample(
            pixels=pixels,
            time_s=given.time_s,
            captured_ns=given.captured_ns,
            wall_s=given.wall_s,
            picture=ApartPicture(self._reader.pictures, number, given.picture_size, pixels),
            skipped=given.skipped,
            shed=given.shed,
            corrupt=given.corrupt,
            stream=given.stream,
            pts_s=given.pts_s,
            damaged=given.damaged,
        )

    def _ask(self, request: Request, within_s: float) -> tuple[Answer, Received]:
        """The answer, within the source's own time-outs and some more; raises what the reader says it failed by."""
        label, channel = self._spec.label, self._channel
        if channel is None:
            raise SourceRefused(f"{label}: not open")
        within_s += self._settings.read_timeout_s + self._grace_s
        try:
            channel.send(encode(request), timeout_s=within_s)
            body, *rest = channel.receive(within_s)
            if body.size > _LONGEST_ANSWER:
                raise self._nonsense()
            answer = decode(body.data)
        except HelperSilent:
            self._reader.doubt(self._ended)
            raise SourceLost(f"{label}: its reader does not answer") from None
        except HelperError:
            raise SourceLost(f"{label}: its reader has ended") from None
        except ValueError:
            raise self._nonsense() from None
        if isinstance(answer, Failed):
            raise _ERRORS[answer.failure](shortened(answer.text, _LONGEST_TEXT))
        return answer, rest

    def _nonsense(self) -> SourceLost:
        return SourceLost(f"{self._spec.label}: its reader sent what is no answer")
