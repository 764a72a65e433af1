"""The headers of alert and status messages: these structs *are* the format of the wire.

docs/alert.schema.json is generated from them (`pipelines.schema`); docs/alerts.md explains it. Within one major version
fields are only added, so decoding ignores what it does not know.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from pipelines.types import HEALTH_KINDS, Phase

ALERT_SCHEMA: Final = "vigil.alert/1"
STATUS_SCHEMA: Final = "vigil.status/1"
HEALTH_SCHEMA: Final = "vigil.health/1"
REGIME_SCHEMA: Final = "vigil.regime/1"
JOURNAL_SCHEMA: Final = "vigil.journal/1"
UNIT = "surprise"

LARGEST_SCORE = 1e9
"""Stands for any score beyond it: JSON has no infinity."""

Name: TypeAlias = Annotated[str, Meta(min_length=1)]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
Number: TypeAlias = Annotated[int, Meta(ge=1)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Score: TypeAlias = Annotated[float, Meta(ge=-LARGEST_SCORE, le=LARGEST_SCORE)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0)]
Milliseconds: TypeAlias = Annotated[float, Meta(ge=0)]
UnixTime: TypeAlias = Annotated[float, Meta(description="Seconds since 1970-01-01T00:00:00Z.")]
IsoTime: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        description="ISO 8601, UTC, with milliseconds.",
        examples=["2026-11-24T17:18:11.250Z"],
    ),
]


class PixelBox(msgspec.Struct, frozen=True, kw_only=True):
    """A box in pixels of the clean picture and of the overlay."""

    x: Annotated[Count, Meta(description="Left edge.")]
    y: Annotated[Count, Meta(description="Top edge.")]
    width: Number
    height: Number


class RegionHeader(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the picture that stands out."""

    x: Annotated[Share, Meta(description="Left edge as a share of the picture's width.")]
    y: Annotated[Share, Meta(description="Top edge as a share of the picture's height.")]
    width: Annotated[Share, Meta(description="Width as a share of the picture's width.")]
    height: Annotated[Share, Meta(description="Height as a share of the picture's height.")]
    pixels: PixelBox
    score: Annotated[Score, Meta(description="Highest score inside, in `unit`.")]
    signal: Annotated[Name, Meta(description="Name of the signal that contributes most inside.")]
    zones: Annotated[
        list[str],
        Meta(
            description="Names of the camera's zones that it touches, in the order of the settings.",
            examples=[["door"]],
        ),
    ] = msgspec.field(default_factory=list)


class SignalHeader(msgspec.Struct, frozen=True, kw_only=True):
    """One cause for suspicion."""

    name: Annotated[Name, Meta(examples=["appearance-latent", "appearance-reconstruction", "motion"])]
    score: Annotated[Score, Meta(description="This signal's own score of the frame, in `unit`.")]
    fired: Annotated[bool, Meta(description="Whether this score alone reaches the threshold.")]


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Where the time went between the frame's capture and its publication, on one monotonic clock."""

    queue: Annotated[Milliseconds, Meta(description="From decoded to taken into a batch.")]
    infer: Annotated[Milliseconds, Meta(description="From taken to judged.")]
    handover: Annotated[Milliseconds, Meta(description="From judged to taken by the publisher.")]
    render: Annotated[Milliseconds, Meta(description="Drawing and encoding of the pictures.")]
    capture_to_publish: Annotated[Milliseconds, Meta(description="The whole way, up to the hand-over to the socket.")]


class PictureHeader(msgspec.Struct, frozen=True, kw_only=True):
    """Format and size of a picture part."""

    format: Annotated[str, Meta(description="Media type.", examples=["image/jpeg", "image/png"])]
    width: Annotated[Number, Meta(description="In pixels.")]
    height: Annotated[Number, Meta(description="In pixels.")]


class HeatmapHeader(msgspec.Struct, frozen=True, kw_only=True):
    """Format, size and scale of the heat map: one 8-bit grey pixel for each place of the picture's grid."""

    format: Annotated[str, Meta(description="Media type.", examples=["image/png"])]
    width: Annotated[Number, Meta(description="Places across the picture.")]
    height: Annotated[Number, Meta(description="Places down the picture.")]
    score_per_level: Annotated[
        float, Meta(gt=0, description="A place's score, in `unit`, is its grey level times this.")
    ]


class PictureHeaders(msgspec.Struct, frozen=True, kw_only=True):
    """What the picture parts are. The overlay shows the clean picture's pixels 1:1 and has a caption below them."""

    overlay: PictureHeader
    clean: PictureHeader
    heatmap: HeatmapHeader


class AlertHeader(msgspec.Struct, frozen=True, kw_only=True):
    """The second part of an alert message: one step (begin, update or end) of an event."""

    schema: Annotated[Literal["vigil.alert/1"], Meta(description="Names the format and its major version.")]
    boot_id: Annotated[Name, Meta(description="Names one run of the daemon; sequence numbers start anew with it.")]
    seq: Annotated[Number, Meta(description="Numbers the run's alerts from 1 without gaps, over all cameras.")]
    camera_seq: Annotated[Number, Meta(description="Numbers the run's alerts of this camera from 1 without gaps.")]
    camera: Annotated[Name, Meta(description="The camera's name in the daemon's settings.", examples=["front-door"])]
    event_id: Annotated[Name, Meta(description="Names the event, uniquely across cameras and runs.")]
    phase: Annotated[Phase, Meta(description="An event has one begin, any number of updates and one end.")]
    end_reason: Annotated[
        str | None,
        Meta(
            description="Null unless the phase is end. calm: the score stayed low for the cool-down; camera: the "
            "camera was lost or removed; health: its picture was found unfit, see health messages; stopped: the daemon "
            "stopped; interrupted: the daemon was killed or lost power, and the next run tells so. More may come.",
            examples=["calm", "camera", "health", "stopped", "interrupted"],
        ),
    ]
    captured_at: Annotated[IsoTime, Meta(description="When the frame was captured. ISO 8601, UTC.")]
    captured_unix: Annotated[UnixTime, Meta(description="The same in Unix seconds.")]
    published_at: Annotated[IsoTime, Meta(description="When the alert was sent. ISO 8601, UTC.")]
    published_unix: Annotated[UnixTime, Meta(description="The same in Unix seconds.")]
    began_at: Annotated[IsoTime, Meta(description="When the event's first flagged frame was captured. ISO 8601, UTC.")]
    began_unix: Annotated[UnixTime, Meta(description="The same in Unix seconds.")]
    duration_s: Annotated[Seconds, Meta(description="From the event's first flagged frame to its latest raised one.")]
    frames: Annotated[Number, Meta(description="Flagged frames in the event so far.")]
    peak_score: Annotated[Score, Meta(description="The event's highest score so far, in `unit`.")]
    frame_seq: Annotated[Number, Meta(description="Numbers the camera's analysed frames since its capture began.")]
    score: Annotated[Score, Meta(description="The frame's score, in `unit`, smoothed over the camera's last frames.")]
    threshold: Annotated[Score, Meta(description="A frame that scores at least this is flagged.")]
    uncertainty: Annotated[float, Meta(ge=0, description="One standard deviation of `score`, in `unit`.")]
    unit: Annotated[
        str,
        Meta(
            description="surprise: -log10 of the share of the camera's normal frames that score at least as high. "
            "3 means one normal frame in a thousand.",
            examples=[UNIT],
        ),
    ]
    signals: Annotated[list[SignalHeader], Meta(description="Every signal, strongest first.")]
    regions: Annotated[list[RegionHeader], Meta(description="Where to look, strongest first; may be empty at the end.")]
    model_id: Annotated[str, Meta(description="The network: first 12 hex digits of its SHA-256.")]
    profile_id: Annotated[str, Meta(description="What the camera was judged by: the profile's id.")]
    latency_ms: Annotated[
        Latency | None, Meta(description="Null when no new frame caused the alert: `end_reason` is not calm.")
    ]
    pictures: PictureHeaders


class StatusHeader(msgspec.Struct, frozen=True, kw_only=True):
    """The second part of a status message: how a camera is."""

    schema: Annotated[Literal["vigil.status/1"], Meta(description="Names the format and its major version.")]
    boot_id: Annotated[Name, Meta(description="Names one run of the daemon.")]
    camera: Annotated[Name, Meta(description="The camera's name in the daemon's settings.", examples=["front-door"])]
    state: Annotated[
        Name,
        Meta(
            description="starting: no frame yet; live: frames arrive; lost: they stopped, reconnecting; ended: the "
            "source is over or was removed; refused: trying again will not mend it. More may come.",
            examples=["starting", "live", "lost", "ended", "refused"],
        ),
    ]
    reason: Annotated[str, Meta(description="Why, for people; empty when live.")]
    since_at: Annotated[IsoTime, Meta(description="When the camera came into this state. ISO 8601, UTC.")]
    since_unix: Annotated[UnixTime, Meta(description="The same in Unix seconds.")]
    sent_at: Annotated[IsoTime, Meta(description="When the message was sent. ISO 8601, UTC.")]
    sent_unix: Annotated[UnixTime, Meta(description="The same in Unix seconds.")]
    heartbeat_s: Annotated[float, Meta(gt=0, description="The next status of this camera comes within this time.")]
    last_frame_at: Annotated[IsoTime | None, Meta(description="When the latest known frame was captured; null: never.")]
    last_frame_unix: Annotated[UnixTime | None, Meta(description="The same in Unix seconds.")]
    reconnects: Annotated[Count, Meta(description="Times that the stream was opened again.")]
    score: Annotated[Score | None, Meta(description="Latest score; null before the first.")]
    threshold: Annotated[Score | None, Meta(description="Its threshold.")]
    event_id: Annotated[str | None, Meta(description="The event that goes on, if any.")]
    last_seq: Annotated[Count, Meta(description="`seq` of the run's latest alert when this was sent; 0: none yet.")]
    last_camera_seq: Annotated[Count, Meta(description="`camera_seq` of this camera's latest alert; 0: none yet.")]
    health: Annotated[
        list[str],
        Meta(description="Kinds of the faults that last, as in health messages, oldest first.", examples=[["black"]]),
    ] = msgspec.field(default_factory=list)
    replay: Annotated[
        str | None,
        Meta(description="Endpoint to ask for missed alerts, as the daemon bound it; null: it keeps none."),
    ] = None


class HealthHeader(msgspec.Struct, frozen=True, kw_only=True):
    """The second part of a health message: a fault of a camera's stream or picture begins or ends. No anomaly."""

    schema: Annotated[Literal["vigil.health/1"], Meta(description="Names the format and its major version.")]
    boot_id: Annotated[Name, Meta(description="Names one run of the daemon.")]
    camera: Annotated[Name, Meta(description="The camera's name in the daemon's settings.", examples=["front-door"])]
    fault_id: Annotated[Name, Meta(description="Names the fault, uniquely across cameras and runs.")]
    kind: Annotated[
        Name,
        Meta(
            description="lost: no connection; stalled: connected, no frames; frozen: the same picture again and again; "
            "black; overexposed; defocused; covered: hidden by something near the lens; moved: another view; format: "
            "another size or codec; frame_rate: fewer frames than usual; clock: time stamps or the machine's clock "
            "jumped; corrupt: damaged on the way. More may come.",
            examples=list(HEALTH_KINDS),
        ),
    ]
    phase: Annotated[Literal["begin", "end"], Meta(description="A fault has one begin and one end.")]
    cause: Annotated[str, Meta(description="What was seen when it began, for people.")]
    judged: Annotated[bool, Meta(description="Whether the camera is watched for anomalies while the fault lasts.")]
    began_at: Annotated[IsoTime, Meta(description="When the fault was named. ISO 8601, UTC.")]
    began_unix: Annotated[UnixTime, Meta(description="The same in Unix seconds.")]
    at: Annotated[IsoTime, Meta(description="When this step was. ISO 8601, UTC.")]
    at_unix: Annotated[UnixTime, Meta(description="The same in Unix seconds.")]
    duration_s: Annotated[Seconds, Meta(description="How long the fault lasted; 0 at its begin.")]


class RegimeHeader(msgspec.Struct, frozen=True, kw_only=True):
    """The second part of a regime message: a change of light, or an unknown regime, begins or ends. No anomaly."""

    schema: Annotated[Literal["vigil.regime/1"], Meta(description="Names the format and its major version.")]
    boot_id: Annotated[Name, Meta(description="Names one run of the daemon.")]
    camera: Annotated[Name, Meta(description="The camera's name in the daemon's settings.", examples=["front-door"])]
    regime_id: Annotated[Name, Meta(description="Names the event, uniquely across cameras and runs.")]
    kind: Annotated[
        Name,
        Meta(
            description="transition: the light changes all over the picture (lamp, cloud, exposure, infrared); "
            "not_enrolled: the profile knows nothing of the regime that the camera is in. More may come.",
            examples=["transition", "not_enrolled"],
        ),
    ]
    phase: Annotated[Literal["begin", "end"], Meta(description="An event has one begin and one end.")]
    before: Annotated[Name, Meta(description="The regime before it.", examples=["day", "infrared"])]
    regime: Annotated[Name, Meta(description="The regime now.", examples=["day", "infrared"])]
    reason: Annotated[str, Meta(description="What happened, for people, and what to do if there is something to do.")]
    suppressed: Annotated[Count, Meta(description="Frames so far that would have raised an alarm by themselves.")]
    began_at: Annotated[IsoTime, Meta(description="When it began. ISO 8601, UTC.")]
    began_unix: Annotated[UnixTime, Meta(description="The same in Unix seconds.")]
    at: Annotated[IsoTime, Meta(description="When this step was. ISO 8601, UTC.")]
    at_unix: Annotated[UnixTime, Meta(description="The same in Unix seconds.")]
    duration_s: Annotated[Seconds, Meta(description="How long it has lasted; 0 at its begin.")]


class JournalHeader(msgspec.Struct, frozen=True, kw_only=True):
    """The second part of a message about the journal of alerts: whether alerts are kept."""

    schema: Annotated[Literal["vigil.journal/1"], Meta(description="Names the format and its major version.")]
    boot_id: Annotated[Name, Meta(description="Names one run of the daemon.")]
    state: Annotated[
        Name,
        Meta(
            description="starting, ok; making-room: the disk is full, the oldest pictures go; no-pictures: alerts are "
            "kept without pictures; full, read-only, stalled, failing: nothing is kept, alerts are published all the "
            "same. More may come.",
            examples=["ok", "full"],
        ),
    ]
    reason: Annotated[str, Meta(description="Why, for people; empty when ok.")]
    since_at: Annotated[IsoTime, Meta(description="When the journal came into this state. ISO 8601, UTC.")]
    since_unix: Annotated[UnixTime, Meta(description="The same in Unix seconds.")]
    sent_at: Annotated[IsoTime, Meta(description="When the message was sent. ISO 8601, UTC.")]
    sent_unix: Annotated[UnixTime, Meta(description="The same in Unix seconds.")]
    heartbeat_s: Annotated[float, Meta(gt=0, description="The next message about the journal comes within this time.")]
    waiting: Annotated[Count, Meta(description="Alerts that wait in memory for the disk.")]
    stored_alerts: Annotated[Count, Meta(description="Alerts in the journal.")]
    stored_bytes: Annotated[Count, Meta(description="Its size, pictures included.")]
