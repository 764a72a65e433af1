"""What is known of alerts, cameras and changes, said in the words of the wire."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from pipelines.headers import (
    ALERT_SCHEMA,
    HEALTH_SCHEMA,
    LARGEST_SCORE,
    REGIME_SCHEMA,
    STATUS_SCHEMA,
    UNIT,
    AlertHeader,
    HealthHeader,
    HeatmapHeader,
    Latency,
    PictureHeader,
    PictureHeaders,
    PixelBox,
    RegimeHeader,
    RegionHeader,
    SignalHeader,
    StatusHeader,
)
from pipelines.overlay import pixel_box
from pipelines.types import Alert, CameraStatus, HealthEvent, Pictures, RegimeEvent, Region, Verdict


def alert_header(alert: Alert, *, published_ns: int, published_wall_s: float) -> AlertHeader:
    """Say an alert in the words of the wire; the times are those of its publication, monotonic and Unix."""
    verdict, pictures = alert.verdict, alert.pictures
    captured = verdict.frame.wall_s
    fresh = alert.end_reason in {None, "calm"}
    return AlertHeader(
        schema=ALERT_SCHEMA,
        boot_id=alert.boot_id,
        seq=alert.seq,
        camera_seq=alert.camera_seq,
        camera=verdict.frame.camera,
        event_id=alert.event_id,
        phase=alert.phase,
        end_reason=alert.end_reason,
        captured_at=iso_time(captured),
        captured_unix=round(captured, 3),
        published_at=iso_time(published_wall_s),
        published_unix=round(published_wall_s, 3),
        began_at=iso_time(alert.began_wall_s),
        began_unix=round(alert.began_wall_s, 3),
        duration_s=round(alert.duration_s, 3),
        frames=alert.frames,
        peak_score=_score(alert.peak_score),
        frame_seq=verdict.frame.seq,
        score=_score(verdict.score),
        threshold=_score(verdict.threshold),
        uncertainty=max(0.0, _score(verdict.uncertainty)),
        unit=UNIT,
        signals=_signals(verdict),
        regions=[_region(region, pictures.picture_size) for region in alert.regions],
        model_id=alert.model,
        profile_id=alert.profile,
        latency_ms=_latency(alert, published_ns) if fresh else None,
        pictures=_pictures(pictures),
    )


def status_header(  # noqa: PLR0913 - each is one fact of the message
    status: CameraStatus,
    *,
    boot_id: str,
    sent_wall_s: float,
    heartbeat_s: float,
    event_id: str | None,
    last_seq: int,
    last_camera_seq: int,
    replay: str | None = None,
) -> StatusHeader:
    """Say a camera's status in the words of the wire."""
    last = status.last_frame_wall_s
    return StatusHeader(
        schema=STATUS_SCHEMA,
        boot_id=boot_id,
        camera=status.camera,
        state=status.state,
        reason=status.reason,
        since_at=iso_time(status.since_wall_s),
        since_unix=round(status.since_wall_s, 3),
        sent_at=iso_time(sent_wall_s),
        sent_unix=round(sent_wall_s, 3),
        heartbeat_s=heartbeat_s,
        last_frame_at=None if last is None else iso_time(last),
        last_frame_unix=None if last is None else round(last, 3),
        reconnects=status.reconnects,
        score=None if status.score is None else _score(status.score),
        threshold=None if status.threshold is None else _score(status.threshold),
        event_id=event_id,
        last_seq=last_seq,
        last_camera_seq=last_camera_seq,
        health=list(status.health),
        replay=replay,
    )


def regime_header(event: RegimeEvent, boot_id: str) -> RegimeHeader:
    """Say the begin or end of a change of regime."""
    return RegimeHeader(
        schema=REGIME_SCHEMA,
        boot_id=boot_id,
        camera=event.camera,
        regime_id=event.regime_id,
        kind=event.kind,
        phase=event.phase,
        before=event.before,
        regime=event.regime,
        reason=event.reason,
        suppressed=event.suppressed,
        began_at=iso_time(event.began_wall_s),
        began_unix=round(event.began_wall_s, 3),
        at=iso_time(event.at_wall_s),
        at_unix=round(event.at_wall_s, 3),
        duration_s=round(event.duration_s, 3),
    )


def health_header(event: HealthEvent, boot_id: str) -> HealthHeader:
    """Say the begin or end of a camera's fault."""
    return HealthHeader(
        schema=HEALTH_SCHEMA,
        boot_id=boot_id,
        camera=event.camera,
        fault_id=f"{boot_id}-{event.camera}-fault-{event.number}",
        kind=event.kind,
        phase=event.phase,
        cause=event.cause,
        judged=event.judged,
        began_at=iso_time(event.began_wall_s),
        began_unix=round(event.began_wall_s, 3),
        at=iso_time(event.wall_s),
        at_unix=round(event.wall_s, 3),
        duration_s=round(event.duration_s, 3),
    )


def iso_time(unix_s: float) -> str:
    """Unix time as ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _signals(verdict: Verdict) -> list[SignalHeader]:
    ranked = sorted(verdict.signals.items(), key=lambda pair: -pair[1])
    return [SignalHeader(name=name, score=_score(score), fired=score >= verdict.threshold) for name, score in ranked]


def _region(region: Region, size: tuple[int, int]) -> RegionHeader:
    left, top, right, bottom = pixel_box(region, *size)
    return RegionHeader(
        x=_share(region.x),
        y=_share(region.y),
        width=_share(region.width),
        height=_share(region.height),
        pixels=PixelBox(x=left, y=top, width=right - left, height=bottom - top),
        score=_score(region.score),
        signal=region.signal,
        zones=list(region.zones),
    )


def _latency(alert: Alert, published_ns: int) -> Latency:
    verdict = alert.verdict
    return Latency(
        queue=_milliseconds(verdict.frame.captured_ns, verdict.taken_ns),
        infer=_milliseconds(verdict.taken_ns, verdict.judged_ns),
        handover=_milliseconds(verdict.judged_ns, alert.taken_ns),
        render=_milliseconds(alert.taken_ns, alert.rendered_ns),
        capture_to_publish=_milliseconds(verdict.frame.captured_ns, published_ns),
    )


def _pictures(pictures: Pictures) -> PictureHeaders:
    def jpeg(size: tuple[int, int]) -> PictureHeader:
        return PictureHeader(format="image/jpeg", width=size[0], height=size[1])

    width, height = pictures.heatmap_size
    return PictureHeaders(
        overlay=jpeg(pictures.overlay_size),
        clean=jpeg(pictures.picture_size),
        heatmap=HeatmapHeader(format="image/png", width=width, height=height, score_per_level=pictures.score_per_level),
    )


def _score(value: float) -> float:
    """A score as JSON can say it: rounded, bounded, never NaN."""
    return 0.0 if math.isnan(value) else round(min(max(value, -LARGEST_SCORE), LARGEST_SCORE), 4)


def _share(value: float) -> float:
    return round(min(max(value, 0.0), 1.0), 6)


def _milliseconds(start_ns: int, end_ns: int) -> float:
    return round(max(0, end_ns - start_ns) / 1e6, 3)
