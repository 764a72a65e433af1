"""A camera's place in the daemon."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Self

from daemon.config import Camera
from daemon.rulings import Ruling
from engines.zoning import Zoning
from pipelines.door import Door
from pipelines.health.monitor import Monitor
from pipelines.mailbox import Mailbox
from pipelines.masks import Curtain, Masks
from pipelines.metrics import CameraMetrics
from pipelines.zones import zoning_of


@dataclass(frozen=True, slots=True)
class Seat:
    """A camera's place in the daemon."""

    camera: Camera
    ruling: Ruling
    metrics: CameraMetrics
    mailbox: Mailbox
    door: Door
    health: Monitor
    curtain: Curtain
    """Before the source; hung with `masks` once the inference thread has been told."""
    masks: Masks | None
    zoning: Zoning | None
    coming: Ruling | None = None
    """On trial."""
    former_id: str = ""
    """The profile before the one that rules: who goes back to it needs no trial."""

    @classmethod
    def at(
        cls, camera: Camera, ruling: Ruling, metrics: CameraMetrics, mailbox: Mailbox, door: Door, health: Monitor
    ) -> Self:
        """The place of a camera that comes."""
        masks = Masks.of(camera.masks)
        return cls(camera, ruling, metrics, mailbox, door, health, Curtain(masks), masks, _zoning(camera, masks))

    @property
    def threshold(self) -> float:
        """The score from which the camera's frames are flagged."""
        return self.ruling.threshold if self.camera.threshold is None else self.camera.threshold

    @property
    def gap_s(self) -> float:
        """After so many seconds without a frame the camera is judged afresh."""
        return max(2.0, 3 / self.camera.fps)

    def with_settings(self, camera: Camera) -> Self:
        """The same place under other settings; what is hidden stays the very same unless the masks differ."""
        seat, before = dataclasses.replace(self, camera=camera), self.camera
        if (camera.zones, camera.masks) == (before.zones, before.masks):
            return seat
        masks = self.masks if camera.masks == before.masks else Masks.of(camera.masks)
        return dataclasses.replace(seat, masks=masks, zoning=_zoning(camera, masks))


def _zoning(camera: Camera, masks: Masks | None) -> Zoning | None:
    return zoning_of(camera.zones, None if masks is None else masks.hidden)
