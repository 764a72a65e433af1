"""A moved camera: the picture is as sharp as ever, and nothing in it is where it was.

Something large before the camera hides a part of the view and leaves the rest in its place. A camera that was turned
shows its view shifted, if by little, or another one altogether.
"""

from __future__ import annotations

from typing import Final

from engines.view import Comparison
from pipelines.health.evidence import WELL, Evidence, Seen
from pipelines.types import HealthKind

_ELSEWHERE: Final = 0.2
"""Share of the blocks that agree with the view by chance."""
_DETAILED: Final = 0.5
_IN_PLACE: Final = 0.75
"""With so much agreement no shift is looked for: a mast sways, a truck passes."""
_SHIFT: Final = 0.03
_SURE: Final = 0.16
"""Of the phase correlation's peak; what moves in the picture or hides it leaves the peak where it was."""


class Moved:
    """The structure of the view is somewhere else."""

    kind: HealthKind = "moved"
    begin_s = 1.2
    end_s = 1.0

    def see(self, seen: Seen) -> Evidence:
        """Judge one frame."""
        if seen.beside is None or seen.view is None or seen.beside.agreement >= _IN_PLACE:
            return WELL
        right, down, sure = seen.view.shift(seen.look)
        if max(abs(right), abs(down)) >= _SHIFT and sure >= _SURE:
            return Evidence(present=True, suspect=True, cause=f"the view is shifted by {_direction(right, down)}")
        if _elsewhere(seen.beside) and sure < _SURE:
            return Evidence(present=True, suspect=True, cause="the picture is sharp, and nothing in it is in its place")
        return Evidence(suspect=seen.beside.kept < 2 * _ELSEWHERE)

    def forget(self) -> None:
        """Each frame speaks for itself."""


def _elsewhere(beside: Comparison) -> bool:
    return beside.kept <= _ELSEWHERE and beside.detailed >= _DETAILED


def _direction(right: float, down: float) -> str:
    words = []
    if right:
        words.append(f"{abs(right):.0%} to the {'right' if right > 0 else 'left'}")
    if down:
        words.append(f"{abs(down):.0%} {'down' if down > 0 else 'up'}")
    return " and ".join(words)
