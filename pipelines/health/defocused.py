"""A picture out of focus: all is in its place, and nowhere as sharp as it was."""

from __future__ import annotations

from typing import Final

from pipelines.health.evidence import WELL, Evidence, Seen
from pipelines.types import HealthKind

_BLURRED: Final = -0.55
"""Of the median block, natural logarithm: three fifths of the usual sharpness."""
_NOWHERE_SHARP: Final = -0.3
_SUSPECT: Final = -0.25
_IN_PLACE: Final = 0.4


class Defocused:
    """Fine detail has fallen against coarse detail, all over a picture whose structure is in its place.

    A ratio, since light, fog and exposure change both; all over, since what passes is local. In a regime whose view is
    not known nothing is said: a lens bends infrared otherwise, and the noise of the night has detail of its own.
    """

    kind: HealthKind = "defocused"
    begin_s = 1.2
    end_s = 1.0

    def see(self, seen: Seen) -> Evidence:
        """Judge one frame."""
        beside = seen.beside
        if beside is None or seen.foreign or beside.agreement < _IN_PLACE or beside.sharp > _SUSPECT:
            return WELL
        present = beside.sharp <= _BLURRED and beside.sharpest <= _NOWHERE_SHARP
        lost = 1 - 2.718**beside.sharp
        return Evidence(present, suspect=True, cause=f"the picture has lost {lost:.0%} of its sharpness everywhere")

    def forget(self) -> None:
        """Each frame speaks for itself."""
