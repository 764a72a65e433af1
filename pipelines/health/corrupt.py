"""Damaged pictures: packets were lost or garbled, and the decoder filled in what it did not know."""

from __future__ import annotations

from typing import Final

from pipelines.health.evidence import WELL, Evidence, Seen
from pipelines.types import HealthKind

_TOLD_S: Final = 2.0
"""Damage comes in spells: the pauses between are told as one."""


class Corrupt:
    """Frames that the decoder called corrupt, and all that build on them, up to the next sound key frame."""

    kind: HealthKind = "corrupt"
    begin_s = 0.0
    end_s = _TOLD_S

    def __init__(self) -> None:
        self._frames = 0

    def see(self, seen: Seen) -> Evidence:
        """Judge one frame."""
        self._frames += seen.sample.corrupt
        if not (seen.sample.corrupt or seen.sample.damaged):
            self._frames = 0
            return WELL
        return Evidence(
            present=True,
            suspect=seen.sample.damaged,
            cause=f"damaged pictures ({max(1, self._frames)} frames): packets were lost or garbled on the way",
        )

    def forget(self) -> None:
        """A connection begins with a key frame."""
        self._frames = 0
