"""What flows through the pipelines: Frame -> Verdict -> Alert. All of it frozen.

Latency is a difference of ``*_ns`` fields, all read from `time.monotonic_ns`; wall time is for people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from engines.contract import Floats, Maps, Pixels, Regime, Signal, Situation
from engines.zoning import Hidden

Phase: TypeAlias = Literal["begin", "update", "end"]
EndReason: TypeAlias = Literal["calm", "camera", "health", "stopped"]
"""Why an event ended: the score stayed low for the cool-down, the camera was lost or removed, its picture was found
unfit to be judged, the daemon stopped."""
HealthKind: TypeAlias = Literal[
    "lost",
    "stalled",
    "frozen",
    "black",
    "overexposed",
    "defocused",
    "covered",
    "moved",
    "format",
    "frame_rate",
    "clock",
    "corrupt",
]
"""What may be wrong with a camera's stream or picture: no connection; a connection without frames; the same picture
again and again; nothing but black; most of it white; sharp nowhere; hidden by something near the lens; another view;
another size or codec; fewer frames than usual; time stamps or the machine's clock jumped; damaged on the way."""
HEALTH_KINDS: Final[tuple[HealthKind, ...]] = get_args(HealthKind)
Unfit: TypeAlias = HealthKind | Literal["unsettled"]
"""Why a frame raises no alarm: a fault of the camera, or what may be the beginning of one."""
UNFIT: Final[tuple[Unfit, ...]] = (*HEALTH_KINDS, "unsettled")
CameraState: TypeAlias = Literal["starting", "live", "lost", "ended", "refused"]
DropCause: TypeAlias = Literal["shed", "replaced", "stale", "queue_full", "corrupt"]
"""Why a frame chosen for analysis was not analysed: more was asked of the engine than it can do and it was left out
before it was converted, a newer one replaced it in the mailbox, it was older than the staleness budget, the publisher's
queue was full, the decoder called it corrupt. Sampling is not a drop."""
SuppressCause: TypeAlias = Literal["transition", "not_enrolled"]
"""Why a verdict that would have raised an alarm by itself did not: the light was changing all over the picture, the
profile knows nothing of the regime that the camera is in."""
FlaggedBy: TypeAlias = Literal["neither", "old", "new", "both"]
"""Which of two profiles flagged a frame, while a new one is on trial beside the old."""
FLAGGED_BY: tuple[FlaggedBy, ...] = get_args(FlaggedBy)

RegimeKind: TypeAlias = Literal["transition", "not_enrolled"]
"""The light changes all over the picture; the camera is in a regime that its profile does not know."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame chosen for analysis."""

    camera: str
    seq: int
    """Numbers the camera's analysed frames since its capture began, from 1, without gaps."""
    pixels: Pixels
    """uint8 [H, W, 3] RGB at the network's input size."""
    captured_ns: int
    """Monotonic clock right after decoding."""
    time_s: float
    """Seconds on the camera's own clock: its PTS where sane, else the capture clock. Differences only."""
    wall_s: float
    """Unix time of the capture, for people."""
    picture: Callable[[], Pixels]
    """Converts the decoded frame to uint8 RGB at the camera's own size: only flagged frames are worth it."""
    unfit: Unfit | None = None
    """Why the frame is shown to people but not judged; None if it is to be judged."""
    held: bool = False
    """The frame is judged, but begins no alarm: what it shows may yet turn out to be a fault of the camera."""
    hidden: Hidden | None = None
    """What privacy masks hide of it; that is filled already."""


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What the engine said of one frame. Scores are in units of surprise (see `engines.contract.Scores`)."""

    frame: Frame
    score: float
    threshold: float
    uncertainty: float
    maps: Maps
    """What is said of each place; made when somebody asks: only flagged frames are worth it."""
    signals: Mapping[Signal, float]
    taken_ns: int
    """When the frame left its mailbox."""
    judged_ns: int
    """When the engine was done with it."""
    unfit: Unfit | None = None
    """Why the frame says nothing of anomalies: it was not judged (score and maps are then zero), or it is held."""
    situation: Situation = field(default_factory=Situation)
    """The regime and the light that it was judged in."""

    @property
    def map(self) -> Floats:
        """The fused score of each place, float32 [h, w]."""
        return self.maps.fused

    @property
    def signal_maps(self) -> Mapping[Signal, Floats]:
        """Each signal's score of each place, float32 [h, w]."""
        return self.maps.signals

    @property
    def flagged(self) -> bool:
        """Whether the score reaches the threshold."""
        return self.unfit is None and self.score >= self.threshold


@dataclass(frozen=True, slots=True)
class RegimeEvent:
    """The begin or end of a change of light, or of a regime that was never enrolled."""

    camera: str
    regime_id: str
    """Names the event, uniquely across cameras and runs; its begin and its end have the same."""
    kind: RegimeKind
    phase: Literal["begin", "end"]
    before: Regime
    """The regime before it."""
    regime: Regime
    """The regime now."""
    reason: str
    """What happened, for people, and what to do if there is something to do."""
    suppressed: int
    """Frames so far that would have raised an alarm by themselves."""
    began_wall_s: float
    at_wall_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the picture that stands out: a box with its score."""

    x: float
    """Left edge, as a share of the picture's width (0..1)."""
    y: float
    width: float
    height: float
    score: float
    """Highest score of the map inside, in units of surprise."""
    signal: Signal
    """The signal that contributes most inside."""
    zones: tuple[str, ...] = ()
    """Names of the zones that it touches, in the order of the settings."""


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """An alert's pictures, encoded. Sizes are (width, height) in pixels."""

    overlay_jpeg: bytes = field(repr=False)
    clean_jpeg: bytes = field(repr=False)
    heatmap_png: bytes = field(repr=False)
    """One grey level a place; a place's score is its grey level times `score_per_level`."""
    picture_size: tuple[int, int]
    """Of the clean picture; the overlay shows the same pixels and has a caption below them."""
    overlay_size: tuple[int, int]
    heatmap_size: tuple[int, int]
    score_per_level: float
    """Units of surprise for each grey level of the heat map."""


@dataclass(frozen=True, slots=True, eq=False)
class Alert:
    """What is published about an event."""

    boot_id: str
    """Names one run of the daemon."""
    seq: int
    """Numbers the run's alerts from 1 without gaps, over all cameras."""
    event_id: str
    phase: Phase
    verdict: Verdict
    regions: tuple[Region, ...]
    began_wall_s: float
    """When the event began."""
    duration_s: float
    """From the event's first flagged frame to its latest raised one, on the capture clock."""
    peak_score: float
    frames: int
    """Flagged frames in the event so far."""
    model: str
    profile: str
    camera_seq: int
    """Numbers the run's alerts of this camera from 1 without gaps, for those who subscribe to one camera."""
    end_reason: EndReason | None
    """Why the event ended; None unless the phase is end."""
    taken_ns: int
    """When the publisher took the verdict from its queue."""
    rendered_ns: int
    """When the pictures were encoded."""
    pictures: Pictures = field(repr=False)


@dataclass(frozen=True, slots=True)
class HealthEvent:
    """The begin or the end of a fault of a camera's stream or picture: never an anomaly."""

    camera: str
    kind: HealthKind
    phase: Literal["begin", "end"]
    number: int
    """Numbers the camera's faults of this run, from 1; begin and end bear the same."""
    cause: str
    """What was seen, for people; of an end, what was last seen."""
    judged: bool
    """Whether frames are judged for anomalies while it lasts."""
    began_wall_s: float
    wall_s: float
    """When this step was."""
    duration_s: float
    """On the monotonic clock; 0 for a begin."""


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """How a camera is, as its heartbeat tells."""

    camera: str
    state: CameraState
    reason: str
    """Why, in words that hold no secret; empty when live."""
    since_wall_s: float
    last_frame_wall_s: float | None
    reconnects: int
    score: float | None
    threshold: float | None
    health: tuple[HealthKind, ...] = ()
    """The faults of its stream or picture that last."""
