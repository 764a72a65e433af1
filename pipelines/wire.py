"""Alert, status and health <-> the bytes of a ZeroMQ multipart message. The format is in `pipelines.headers`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias, TypeVar

import msgspec

from pipelines.errors import WireError
from pipelines.headers import (
    ALERT_SCHEMA,
    HEALTH_SCHEMA,
    JOURNAL_SCHEMA,
    LARGEST_SCORE,
    REGIME_SCHEMA,
    STATUS_SCHEMA,
    UNIT,
    AlertHeader,
    HealthHeader,
    HeatmapHeader,
    JournalHeader,
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

ALERT_TOPIC = "alert."
STATUS_TOPIC = "status."
HEALTH_TOPIC = "health."
REGIME_TOPIC = "regime."
JOURNAL_TOPIC = "system.journal"

_MOST_HEADER_BYTES = 1_000_000
_H = TypeVar("_H")


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """An alert as it arrived."""

    header: AlertHeader
    overlay_jpeg: bytes = field(repr=False)
    clean_jpeg: bytes = field(repr=False)
    heatmap_png: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StatusMessage:
    """A camera's status as it arrived."""

    header: StatusHeader


@dataclass(frozen=True, slots=True)
class HealthMessage:
    """The begin or end of a camera's fault as it arrived."""

    header: HealthHeader


@dataclass(frozen=True, slots=True)
class RegimeMessage:
    """The begin or end of a change of light, or of an unknown regime, as it arrived."""

    header: RegimeHeader


Message: TypeAlias = AlertMessage | StatusMessage | HealthMessage | RegimeMessage

_encoder = msgspec.json.Encoder()
_alerts = msgspec.json.Decoder(AlertHeader)
_statuses = msgspec.json.Decoder(StatusHeader)
_faults = msgspec.json.Decoder(HealthHeader)
_regimes = msgspec.json.Decoder(RegimeHeader)
_journals = msgspec.json.Decoder(JournalHeader)


class _AnySchema(msgspec.Struct):
    """The one field that tells whether the rest can be understood."""

    schema: str


_schemas = msgspec.json.Decoder(_AnySchema)


def encode(alert: Alert, *, published_ns: int, published_wall_s: float) -> list[bytes]:
    """The five parts of an alert: topic, header, overlay JPEG, clean JPEG, heat map PNG.

    `published_ns` (monotonic) and `published_wall_s` (Unix) say when it is handed to the socket.
    """
    return encode_message(compose(alert, published_ns=published_ns, published_wall_s=published_wall_s))


def compose(alert: Alert, *, published_ns: int, published_wall_s: float) -> AlertMessage:
    """An alert as it will arrive; the times as for `encode`."""
    pictures = alert.pictures
    header = _alert_header(alert, published_ns, published_wall_s)
    return AlertMessage(header, pictures.overlay_jpeg, pictures.clean_jpeg, pictures.heatmap_png)


def encode_message(message: AlertMessage) -> list[bytes]:
    """The parts of an alert that arrived, or was kept: the same message again."""
    topic = f"{ALERT_TOPIC}{message.header.camera}".encode()
    return [topic, _encoder.encode(message.header), message.overlay_jpeg, message.clean_jpeg, message.heatmap_png]


def encode_status(header: StatusHeader) -> list[bytes]:
    """The two parts of a status message: topic, header."""
    return [f"{STATUS_TOPIC}{header.camera}".encode(), _encoder.encode(header)]


def encode_regime(event: RegimeEvent, boot_id: str) -> list[bytes]:
    """The two parts of a regime message: topic, header."""
    header = RegimeHeader(
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
    return [f"{REGIME_TOPIC}{event.camera}".encode(), _encoder.encode(header)]


def encode_health(event: HealthEvent, boot_id: str) -> list[bytes]:
    """The two parts of a health message: topic, header."""
    header = HealthHeader(
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
    return [f"{HEALTH_TOPIC}{event.camera}".encode(), _encoder.encode(header)]


def encode_journal(header: JournalHeader) -> list[bytes]:
    """The two parts of a message about the journal: topic, header."""
    return [JOURNAL_TOPIC.encode(), _encoder.encode(header)]


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


def decode(parts: Sequence[bytes]) -> Message:
    """Read a multipart message. Raises WireError, and nothing else, for what is no alert or status of this version."""
    if len(parts) < 2:
        raise WireError(f"a message of {len(parts)} parts is neither an alert nor a status")
    try:
        topic = parts[0].decode()
    except UnicodeDecodeError:
        raise WireError("a message's topic is not UTF-8: it is no message of Vigil's") from None
    if topic.startswith(ALERT_TOPIC):
        return _decode_alert(topic, parts)
    if topic.startswith(STATUS_TOPIC):
        status = _read(parts[1], _statuses, STATUS_SCHEMA)
        _check_camera(topic, STATUS_TOPIC, status.camera)
        return StatusMessage(status)
    if topic.startswith(HEALTH_TOPIC):
        fault = _read(parts[1], _faults, HEALTH_SCHEMA)
        _check_camera(topic, HEALTH_TOPIC, fault.camera)
        return HealthMessage(fault)
    if topic.startswith(REGIME_TOPIC):
        regime = _read(parts[1], _regimes, REGIME_SCHEMA)
        _check_camera(topic, REGIME_TOPIC, regime.camera)
        return RegimeMessage(regime)
    raise WireError(f"the topic {topic[:60]!r} begins with none of {ALERT_TOPIC!r}, {STATUS_TOPIC!r}, {HEALTH_TOPIC!r}")


def decode_journal(parts: Sequence[bytes]) -> JournalHeader:
    """Read a message about the journal. Raises WireError, and nothing else."""
    if len(parts) < 2:
        raise WireError(f"a message of {len(parts)} parts tells nothing about a journal")
    return _read(parts[1], _journals, JOURNAL_SCHEMA)


def iso_time(unix_s: float) -> str:
    """Unix time as ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _decode_alert(topic: str, parts: Sequence[bytes]) -> AlertMessage:
    header = _read(parts[1], _alerts, ALERT_SCHEMA)
    _check_camera(topic, ALERT_TOPIC, header.camera)
    if len(parts) < 5:
        raise WireError(f"an alert of {header.camera!r} has {len(parts)} parts instead of five")
    overlay, clean, heatmap = (bytes(part) for part in parts[2:5])
    kept = overlay or clean or heatmap  # a replayed alert whose pictures are not kept has none
    if kept and not (overlay[:2] == clean[:2] == b"\xff\xd8" and heatmap[:4] == b"\x89PNG"):
        raise WireError(f"an alert of {header.camera!r} carries pictures that are not JPEG, JPEG and PNG")
    return AlertMessage(header, overlay, clean, heatmap)


def _read(data: bytes, decoder: msgspec.json.Decoder[_H], expected: str) -> _H:
    if len(data) > _MOST_HEADER_BYTES:
        raise WireError(f"a header of {len(data)} bytes is no header of Vigil's")
    try:
        found = _schemas.decode(data).schema
        if found != expected:
            raise WireError(f"a message in the format {found[:60]!r}, where this version of Vigil reads {expected!r}")
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"a header is not {expected}: {' '.join(str(error).split())[:200]}") from None


def _check_camera(topic: str, kind: str, camera: str) -> None:
    if topic != kind + camera:
        raise WireError(f"the topic {topic[:60]!r} does not fit the header's camera {camera[:60]!r}")


def _alert_header(alert: Alert, published_ns: int, published_wall_s: float) -> AlertHeader:
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
