"""What is known of a frame."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.simulation.scene.anomalies import Kind
from pipelines.simulation.scene.geometry import Image


@dataclass(frozen=True, slots=True)
class Instance:
    """One anomaly as far as it can be seen in one frame."""

    kind: Kind
    id: str
    box: tuple[int, int, int, int]
    """Left, top, width, height of what is visible, pixels."""
    area: int
    """Visible pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameTruth:
    """The truth of one frame."""

    mask: Image
    """uint8 [H, W], 255 where an anomaly is visible."""
    instances: tuple[Instance, ...]

    @property
    def flagged(self) -> bool:
        """Whether there is an anomaly to be seen."""
        return bool(self.instances)
