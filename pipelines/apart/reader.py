"""A camera's source, opened and read in a helper process for the capture that asks for it over a connection."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.apart.camera_messages import Failed, Failure, Given, Open, Opened, Over, Read, Request, Waiting, encode
from pipelines.apart.camera_messages import decode_request as decode
from pipelines.apart.channel import Channel
from pipelines.apart.gallery import Gallery
from pipelines.door import Door
from pipelines.errors import HelperError, SourceError, SourceLost, SourceStalled
from pipelines.sources.convert import LazyPicture
from pipelines.sources.open import open_source
from pipelines.sources.source import NotYet, Sample, Source


@dataclass(slots=True)
class _Open:
    """A source that is open, and the door that it asks."""

    source: Source
    door: Door
    asked: int = 0
    passed: int = 0
    """What of the door's counts has been told."""

    def count(self) -> tuple[int, int]:
        """What is new since the last time."""
        asked, passed = self.door.asked - self.asked, self.door.passed - self.passed
        self.asked, self.passed = self.door.asked, self.door.passed
        return asked, passed


class ReaderStage:
    """A stage that answers one camera's capture until that hangs up or the source fails.

    While it is inside a native call it does not notice that the capture has hung up; such calls are bounded by the
    source's own time-outs.
    """

    name = "reader"

    def __init__(self, connection: Channel, gallery: Gallery) -> None:
        self._connection = connection
        self._gallery = gallery
        self._now: _Open | None = None

    def open(self) -> None:
        """The connection is open; the source waits to be asked for."""

    def step(self) -> bool:
        """Wait for a request and answer it; False when there will be no other."""
        try:
            (body,) = self._connection.receive()
            request = decode(body.data)
            return self._answer(request)
        except HelperError:
            return False

    def close(self) -> None:
        """Let go of the source first: a capture that finds no connection may come back at once."""
        if self._now is not None:
            self._now.source.close()
        self._connection.close()

    def _answer(self, request: Request) -> bool:
        try:
            return self._open(request) if isinstance(request, Open) else self._read(request)
        except SourceError as error:
            self._connection.send(encode(Failed(_failure(error), str(error))))
            return False

    def _open(self, request: Open) -> bool:
        door = Door(priority=1, credit=request.credit)
        source = open_source(request.spec, request.settings, request.input_size, door.admits)
        self._now = _Open(source, door)
        self._connection.send(encode(Opened()))
        return True

    def _read(self, request: Read) -> bool:
        self._gallery.release(request.released)
        now = self._now
        assert now is not None, "it was to be opened first"
        now.door.share = request.share
        try:
            sample = now.source.read(request.patience_s)
        except NotYet:
            self._connection.send(encode(Waiting(*now.count())))
            return True
        if sample is None:
            self._connection.send(encode(Over()))
            return False
        self._give(request.number, sample, now)
        return True

    def _give(self, number: int, sample: Sample, now: _Open) -> None:
        picture = sample.picture
        assert isinstance(picture, LazyPicture), "only live sources are read apart"
        self._gallery.keep(number, picture)
        given = Given(
            *now.count(),
            picture_size=picture.size,
            time_s=sample.time_s,
            captured_ns=sample.captured_ns,
            wall_s=sample.wall_s,
            skipped=sample.skipped,
            shed=sample.shed,
            corrupt=sample.corrupt,
            stream=sample.stream,
            pts_s=sample.pts_s,
            damaged=sample.damaged,
        )
        try:
            self._connection.send(encode(given), sample.pixels.data)
        except HelperError:
            self._gallery.release([number])
            raise


def _failure(error: SourceError) -> Failure:
    if isinstance(error, SourceStalled):
        return "stalled"
    return "lost" if isinstance(error, SourceLost) else "refused"
