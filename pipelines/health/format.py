"""A stream of another size or codec than before: another profile of the camera, its defaults, another camera."""

from __future__ import annotations

from typing import Final

from pipelines.health.evidence import WELL, Evidence, Seen
from pipelines.sources.source import Stream
from pipelines.types import HealthKind

_SAME_SHAPE: Final = 0.03
_FINE_ENOUGH: Final = 512
"""Pixels of the shorter side: what more there is, the network's input does not show."""


class Format:
    """The first stream of a camera, or the one it was enrolled with, is what its later ones are compared with."""

    kind: HealthKind = "format"
    begin_s = 0.4
    end_s = 0.4

    def __init__(self, expected: Stream | None = None) -> None:
        self._expected = expected

    def see(self, seen: Seen) -> Evidence:
        """Judge one frame."""
        stream = seen.sample.stream
        if stream is None:
            return WELL
        if self._expected is None:
            self._expected = stream
        expected = self._expected
        if (stream.width, stream.height, stream.codec) == (expected.width, expected.height, expected.codec):
            return WELL
        # The view squeezed, or with less detail than was learnt, is another picture; a finer one is the same.
        squeezed = abs(stream.width * expected.height / (stream.height * expected.width) - 1) > _SAME_SHAPE
        coarser = stream.width < expected.width and min(stream.width, stream.height) < _FINE_ENOUGH
        cause = f"the stream is {stream} instead of {expected}"
        # A header that was garbled on the way gives any size, until what is told by it turns out damaged.
        damaged = seen.sample.damaged or seen.sample.corrupt > 0
        return Evidence(present=not damaged, suspect=squeezed or coarser, cause=cause)

    def forget(self) -> None:
        """What is expected holds across connections."""
