"""What detectors are shown of a frame, and what they say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from engines.contract import Floats, Regime
from engines.view import BLOCKS, Comparison, Look, View
from engines.zoning import Hidden, of_seen, seen_blocks
from pipelines.sources.source import Sample
from pipelines.types import HealthKind


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A frame with what was measured of it."""

    sample: Sample
    now_s: float
    """When it was captured, on the monotonic clock."""
    look: Look
    regime: Regime
    """What the camera sees in, day or infrared."""
    view: View | None
    """The usual view; None until it is known."""
    foreign: bool
    """The view is that of another regime: edges lie where they do there, but are not as sharp, nor as bright."""
    beside: Comparison | None
    """The frame beside the usual view; None if that is not known or has no structure of its own."""

    @property
    def hidden(self) -> Hidden | None:
        """What is hidden of the frame: nothing may be made of it."""
        return self.sample.hidden

    def of_shown(self, blocks: Floats) -> Floats:
        """Of measures of blocks, [BLOCKS * BLOCKS], those of which nothing is hidden."""
        return of_seen(blocks, seen_blocks(self.hidden, BLOCKS))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a detector makes of one frame."""

    present: bool = False
    """The frame shows the fault; it is named once it has lasted."""
    suspect: bool = False
    """The frame may be the first of the fault, or on the way to it: not one to raise an alarm by."""
    cause: str = ""
    """In words for people."""


WELL: Final = Evidence()


class Detector(Protocol):
    """Looks for one kind of fault. Belongs to the camera's thread."""

    @property
    def kind(self) -> HealthKind:
        """What it looks for."""

    @property
    def begin_s(self) -> float:
        """A fault that is present for so long is named."""

    @property
    def end_s(self) -> float:
        """A fault that is absent for so long is over."""

    def see(self, seen: Seen) -> Evidence:
        """Judge the camera's next frame."""

    def forget(self) -> None:
        """The stream was interrupted: what comes next does not continue it. What is known of the camera stays."""
