"""What every source gives: samples, ready for the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from engines.contract import Pixels
from engines.zoning import Hidden


@dataclass(frozen=True, slots=True)
class Stream:
    """What a video is, as its decoder knows it at a frame."""

    width: int
    height: int
    codec: str
    live: bool

    def __str__(self) -> str:
        return f"{self.codec} of {self.width}x{self.height}"


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A frame chosen for analysis, before it is known which camera it belongs to."""

    pixels: Pixels
    """uint8 [H, W, 3] RGB at the input size."""
    time_s: float
    """Seconds on the source's own clock: for a file, from its beginning."""
    captured_ns: int
    """`time.monotonic_ns` right after decoding."""
    wall_s: float
    """Unix time of the same moment."""
    picture: Callable[[], Pixels]
    """Converts the decoded frame to uint8 RGB at its own size, upright and with square pixels; from any thread."""
    skipped: int = 0
    """Frames received and sampled out since the last sample."""
    shed: int = 0
    """Frames chosen and then left out for want of time since the last sample."""
    corrupt: int = 0
    """Frames that the decoder called corrupt since the last sample."""
    part: int = 0
    """Which clip of several it comes from, from 0: motion does not cross from one part to the next."""
    stream: Stream | None = None
    """None for what is no video."""
    pts_s: float | None = None
    """The time stamp that a live camera gave it; None where there is none."""
    damaged: bool = False
    """It builds on a frame that the decoder called corrupt: some of it may be smeared."""
    hidden: Hidden | None = None
    """What privacy masks hide of it: that is filled already, in `pixels` and in `picture`."""


Admits: TypeAlias = Callable[[], bool]
"""Asked once for each frame chosen for analysis, before it is converted: whether there is time for it."""


def always() -> bool:
    """There is."""
    return True


class NotYet(Exception):  # noqa: N818 - no error: the reader asked to be told
    """A source has nothing to give within the patience of its reader, and is well: read again."""


class Source(Protocol):
    """Gives samples in order of time. Used by one thread, `Sample.picture` apart."""

    @property
    def still(self) -> bool:
        """Whether the samples are unrelated pictures: no motion between them."""

    @property
    def size_hint(self) -> int | None:
        """About how many samples there will be, for progress bars; None when nobody knows. Valid once open."""

    def open(self) -> None:
        """Connect or open; does nothing when open. Raises SourceLost or SourceRefused."""

    def read(self, patience_s: float | None = None) -> Sample | None:
        """The next sample, or None when the source is over.

        A live source that stalls raises SourceLost after its read timeout. With a patience, a source that has
        nothing to give for so long, because its camera sends key frames or wanted frames seldom, raises NotYet.
        """

    def close(self) -> None:
        """Let go of everything; may be called twice."""
