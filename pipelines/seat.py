"""A camera as the judging threads know it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from engines.contract import Scores
from engines.zoning import Hidden, Zoning
from pipelines.gate import Gate
from pipelines.metrics import CameraMetrics
from pipelines.seating import Judge
from pipelines.shadow import Shadow

_RAISED: Final = 0.5
"""From this share of the threshold on a score is near it."""
_RESTS: Final = 0.03
"""A score that differs by no more than this share of the threshold is what it was: so much is the sensor's noise."""


@dataclass(slots=True)
class Seat:
    """A camera's last moments."""

    judge: Judge
    metrics: CameraMetrics
    gate: Gate | None
    gap_s: float
    time_s: float = -math.inf
    captured_ns: int = 0
    held_s: float | None = None
    """The time of the last frame that was not computed, of which the detector has yet to be told."""
    said: tuple[Scores, int] | None = None
    """The last result, and its place in its batch."""
    moved: bool = True
    """Whether that is another score than the one before."""
    shadow: Shadow | None = None
    """Another profile on trial."""
    zoning: Zoning | None = None
    """How much the camera's places count."""

    def say(self, scores: Scores, index: int) -> None:
        """Take in a new result."""
        before, self.said = self._level, (scores, index)
        self.moved = not abs(self._level - before) <= _RESTS

    @property
    def hidden(self) -> Hidden | None:
        """What is hidden of the frames that can be judged: others were on their way when masks were changed."""
        return None if self.zoning is None else self.zoning.hidden

    def rezone(self, camera: str, zoning: Zoning | None) -> None:
        """Have the camera's places count by other weights."""
        self.zoning = zoning
        for judge, name in self.judges(camera):
            judge.detector.rezone(name, zoning)
        if self.gate is not None:  # the last result was made of others
            self.gate.hide(self.hidden)

    @property
    def flagged(self) -> bool:
        """Whether the last score reached the threshold."""
        return self.said is not None and bool(self.said[0].score[self.said[1]] >= self.said[0].threshold[self.said[1]])

    def judges(self, camera: str) -> list[tuple[Judge, str]]:
        """Who judges the camera's frames, and by which name each knows it."""
        trial = [] if self.shadow is None else [(self.shadow.judge, self.shadow.name)]
        return [(self.judge, camera), *trial]

    @property
    def raised(self) -> bool:
        """Whether the last score came near the threshold."""
        return self._level >= _RAISED

    @property
    def _level(self) -> float:
        """The last score as a share of the threshold; infinite before the first."""
        if self.said is None:
            return math.inf
        scores, index = self.said
        return float(scores.score[index]) / float(scores.threshold[index])
