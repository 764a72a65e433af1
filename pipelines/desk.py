"""One camera's place at the publisher: its events, its counters, and how an alert of it is made."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from engines.contract import Pixels
from pipelines.compose import status_header
from pipelines.dispatch import Sent
from pipelines.events import EventSettings, EventTracker, Transition
from pipelines.headers import StatusHeader
from pipelines.masks import Masks
from pipelines.metrics import CameraMetrics
from pipelines.overlay import Painter
from pipelines.regimes import RegimeTracker
from pipelines.regions import RegionSettings, propose_regions
from pipelines.types import Alert, CameraStatus, Frame, Region
from pipelines.zones import Zone, in_zones

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedCamera:
    """What the publisher has to know of a camera."""

    name: str
    profile_id: str
    model_id: str
    metrics: CameraMetrics
    events: EventSettings = field(default_factory=EventSettings)
    zones: tuple[Zone, ...] = ()
    masks: Masks | None = None


class Desk:
    """Follows one camera's events. Belongs to one thread."""

    def __init__(self, camera: PublishedCamera, boot_id: str) -> None:
        self.camera = camera
        self.tracker = EventTracker(camera.name, camera.events, boot_id)
        self.regimes = RegimeTracker(camera.name, boot_id)
        self.alerts = 0
        """Alerts of this camera in this run."""
        self.gone_ns: int | None = None
        """When (monotonic) the camera was told to be lost; None while it is not."""
        self._boot_id = boot_id

    def resettle(self, camera: PublishedCamera) -> None:
        """Go on under another profile or other settings."""
        self.camera = camera
        self.tracker.settings = camera.events

    def alert(
        self, transition: Transition, seq: int, painter: Painter, settings: RegionSettings, taken_ns: int
    ) -> Alert:
        """Make the run's alert number `seq` of a step of an event; `taken_ns`: when the publisher took the verdict."""
        verdict = transition.verdict
        regions = self._regions(transition, settings)
        pictures = painter.paint(self._picture(verdict.frame), verdict, regions, transition.phase, self.camera.zones)
        self.alerts += 1
        return Alert(
            boot_id=self._boot_id,
            seq=seq,
            event_id=transition.event_id,
            phase=transition.phase,
            verdict=verdict,
            regions=regions,
            began_wall_s=transition.began_wall_s,
            duration_s=transition.duration_s,
            peak_score=transition.peak_score,
            frames=transition.frames,
            model=self.camera.model_id,
            profile=self.camera.profile_id,
            camera_seq=self.alerts,
            end_reason=transition.end_reason,
            taken_ns=taken_ns,
            rendered_ns=time.monotonic_ns(),
            pictures=pictures,
        )

    def status(self, status: CameraStatus, last_seq: int, heartbeat_s: float, replay: str | None) -> StatusHeader:
        """What a status says; `last_seq` is the run's latest number, `replay` where to ask for what was missed."""
        return status_header(
            status,
            boot_id=self._boot_id,
            sent_wall_s=time.time(),
            heartbeat_s=heartbeat_s,
            event_id=self.tracker.event_id,
            last_seq=last_seq,
            last_camera_seq=self.alerts,
            replay=replay,
        )

    def count(self, alert: Alert, sent: Sent) -> None:
        """Bring the camera's metrics up to date with an alert that went out."""
        metrics = self.camera.metrics
        metrics.stage["render"].observe((alert.rendered_ns - alert.taken_ns) / _NS)
        metrics.stage["journal"].observe((sent.from_ns - sent.handed_ns) / _NS)
        metrics.stage["send"].observe((sent.sent_ns - sent.from_ns) / _NS)
        if alert.end_reason in {None, "calm"}:  # otherwise no new frame caused it, and its age is no latency
            metrics.capture_to_publish.observe((sent.sent_ns - alert.verdict.frame.captured_ns) / _NS)
        metrics.alerts[alert.phase].inc()
        metrics.event_open.set(alert.phase != "end")
        if alert.phase == "begin":
            metrics.events.inc()

    def _picture(self, frame: Frame) -> Pixels:
        """What is shown of a frame: of one that was decoded before masks were drawn, no more than of one after."""
        masks, picture = self.camera.masks, frame.picture()
        return picture if masks is None or frame.hidden is masks.hidden else masks.fill(picture)

    def _regions(self, transition: Transition, settings: RegionSettings) -> tuple[Region, ...]:
        verdict = transition.verdict
        regions = propose_regions(
            verdict.map, verdict.signal_maps, verdict.threshold, flagged=verdict.flagged, settings=settings
        )
        return tuple(in_zones(region, self.camera.zones) for region in regions) if self.camera.zones else regions
