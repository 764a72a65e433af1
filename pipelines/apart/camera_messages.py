"""What a camera's capture and its reader say to each other: msgpack, so that neither runs what the other sends.

The capture asks and the reader answers, once each: `Open` first, then `Read`. With `Given` the frame's pixels come as a
second part. A reader parses what strangers send, so that its words are measured: what is beyond reason is no answer.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from pipelines.sources.settings import SourceSettings
from pipelines.sources.source import Stream
from pipelines.sources.spec import SourceSpec

Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
Seconds = Annotated[float, msgspec.Meta(ge=-1e11, le=1e11)]
WallSeconds = Annotated[float, msgspec.Meta(ge=0, le=1 << 37)]
Side = Annotated[int, msgspec.Meta(ge=1, le=1 << 15)]
Size: TypeAlias = tuple[Side, Side]
"""Height and width of a picture."""
Failure = Literal["lost", "stalled", "refused"]


class Open(msgspec.Struct, frozen=True, tag=True):
    """Open a source as `pipelines.sources.open.open_source` does."""

    spec: SourceSpec
    settings: SourceSettings
    input_size: tuple[int, int]
    credit: float
    """Of the camera's door: see there."""


class Read(msgspec.Struct, frozen=True, tag=True):
    """Give the next frame."""

    number: int
    """Under which the frame's picture is kept until it is released: no other has it."""
    share: float
    """Of the frames that the door lets through from now on."""
    patience_s: float
    released: list[int]
    """Pictures that nobody will ask for any more, of whatever camera."""


class Opened(msgspec.Struct, frozen=True, tag=True):
    """The source is open."""


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The source cannot be opened or read, and is closed."""

    failure: Failure
    text: str
    """Holds no secret."""


class Over(msgspec.Struct, frozen=True, tag=True):
    """The source has come to its end."""


class Waiting(msgspec.Struct, frozen=True, tag=True):
    """No frame within the patience; the source is well."""

    asked: Count
    passed: Count
    """What the door was asked for, and what it let through, since the last answer."""


class Given(msgspec.Struct, frozen=True, tag=True):
    """A frame: what `pipelines.sources.source.Sample` says of it."""

    asked: Count
    passed: Count
    picture_size: Size
    """Of the picture for people."""
    time_s: Seconds
    captured_ns: Count
    wall_s: WallSeconds
    skipped: Count
    shed: Count
    corrupt: Count
    stream: Stream | None
    pts_s: Seconds | None
    damaged: bool


Request: TypeAlias = Open | Read
Answer: TypeAlias = Opened | Failed | Over | Waiting | Given

encode: Final = msgspec.msgpack.Encoder().encode
decode_request: Final = msgspec.msgpack.Decoder(Request).decode
decode_answer: Final = msgspec.msgpack.Decoder(Answer).decode
