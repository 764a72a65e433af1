"""Where one camera asks whether a frame may go on to be analysed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_WHOLE: Final = 1.0 - 1e-6


@dataclass(slots=True)
class Door:
    """Lets a share of a camera's frames through, evenly in time. Used by the camera's thread."""

    priority: int
    share: float = 1.0
    """Of the camera's frames, those that are let through; written by a thread that judges."""
    asked: int = 0
    passed: int = 0
    credit: float = 1.0
    """What the next frame has already, in frames; cameras that begin with different parts of one leave out different
    moments."""

    def admits(self) -> bool:
        """Whether to analyse a frame. Asked once for each frame that was chosen for analysis."""
        self.asked += 1
        self.credit = min(self.credit + self.share, 2.0)
        if self.credit < _WHOLE:
            return False
        self.credit -= 1.0
        self.passed += 1
        return True

    def count(self, asked: int, passed: int) -> None:
        """Take in what another door has let through in this one's place since the last time."""
        self.asked += asked
        self.passed += passed
