"""Alert, status and health <-> the bytes of a ZeroMQ multipart message. The format is in `pipelines.headers`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

import msgspec

from pipelines.compose import alert_header, health_header, regime_header
from pipelines.errors import WireError
from pipelines.headers import (
    ALERT_SCHEMA,
    HEALTH_SCHEMA,
    JOURNAL_SCHEMA,
    REGIME_SCHEMA,
    STATUS_SCHEMA,
    AlertHeader,
    HealthHeader,
    JournalHeader,
    RegimeHeader,
    StatusHeader,
)
from pipelines.types import Alert, HealthEvent, RegimeEvent

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
    header = alert_header(alert, published_ns=published_ns, published_wall_s=published_wall_s)
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
    header = regime_header(event, boot_id)
    return [f"{REGIME_TOPIC}{event.camera}".encode(), _encoder.encode(header)]


def encode_health(event: HealthEvent, boot_id: str) -> list[bytes]:
    """The two parts of a health message: topic, header."""
    header = health_header(event, boot_id)
    return [f"{HEALTH_TOPIC}{event.camera}".encode(), _encoder.encode(header)]


def encode_journal(header: JournalHeader) -> list[bytes]:
    """The two parts of a message about the journal: topic, header."""
    return [JOURNAL_TOPIC.encode(), _encoder.encode(header)]


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
