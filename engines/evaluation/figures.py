"""The figures of an evaluation. Shares and areas are 0..1; None: the truth does not allow the figure."""

from __future__ import annotations

import msgspec

Points = tuple[tuple[float, float], ...]


class FrameFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Over whole frames."""

    auroc: float | None
    """Over the frames of all clips pooled (micro)."""
    auroc_by_clip: float | None
    """Mean of the AUROC of each clip that has both kinds of frame (macro)."""
    average_precision: float | None
    precision: float | None
    """At the profile's own threshold, as are recall and F1."""
    recall: float | None
    f1: float | None
    best_f1: float | None
    """At the threshold that suits this footage best: an upper bound."""


class PlaceFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Over pixels and regions."""

    pixel_auroc: float | None
    pixel_average_precision: float | None
    pro: float | None
    region_auroc: float | None
    rbdc: float | None
    tbdc: float | None
    regions: int


class AlarmFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Over events, at the profile's own threshold."""

    events: int
    false_alarms: int
    normal_hours: float | None
    false_alarms_per_hour: float | None
    false_alarms_per_hour_interval: tuple[float, float] | None
    """95 % confidence interval of the rate, from the number of events (Poisson, exact)."""
    flagged_normal_share: float | None
    """Share of normal frames that are flagged."""
    promised: float | None
    """The budget of the profile: false alarms an hour; of stills, the share of normal pictures flagged."""
    promised_interval: tuple[float, float] | None
    """Where the true rate is, by what the profile says of itself."""
    promise_kept: bool | None
    """Whether the interval of what was measured and the one promised have a rate in common."""
    instances: int
    found: int
    delay_median_s: float | None
    delay_p90_s: float | None


class OperatingPoint(msgspec.Struct, frozen=True, kw_only=True):
    """What another threshold would bring."""

    margin: float
    """Added to the profile's threshold."""
    false_alarms_per_hour: float
    found_share: float | None
    found_share_by_kind: dict[str, float]


class LatencyFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds a frame, from the batch handed over to its scores."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


class SignalRow(msgspec.Struct, frozen=True, kw_only=True):
    """One signal by itself, or all fused."""

    signal: str
    frame_auroc: float | None
    frame_auroc_by_clip: float | None
    average_precision: float | None
    pixel_auroc: float | None
    pro: float | None


class ClipRow(msgspec.Struct, frozen=True, kw_only=True):
    """One clip."""

    clip: str
    frames: int
    abnormal: int
    threshold: float
    frame_auroc: float | None
    average_precision: float | None
    pixel_auroc: float | None
    pro: float | None
    events: int
    false_alarms: int
    instances: int
    found: int
    delay_median_s: float | None


class KindRow(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of anomaly, against all normal footage."""

    kind: str
    instances: int
    found: int
    delay_median_s: float | None
    frame_auroc: float | None
    average_precision: float | None
    regions: int
    region_auroc: float | None
    pro: float | None


class SizeRow(msgspec.Struct, frozen=True, kw_only=True):
    """Regions of one size, against all normal footage."""

    size: str
    regions: int
    region_auroc: float | None
    pro: float | None


class Curves(msgspec.Struct, frozen=True, kw_only=True):
    """Points of curves, thinned out for plotting."""

    roc: Points = ()
    precision_recall: Points = ()
    pro: Points = ()
    regions: Points = ()
    tracks: Points = ()
    alarms: Points = ()
    """False alarms an hour against the share of instances found."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One profile on one set of footage."""

    footage: str
    profile: str
    still: bool
    frames: int
    normal_frames: int
    abnormal_frames: int
    hours: float | None
    frame: FrameFigures
    place: PlaceFigures
    alarms: AlarmFigures
    at_one_per_hour: OperatingPoint | None
    """The lowest threshold with at most one false alarm an hour on this very footage."""
    latency: LatencyFigures | None
    signals: tuple[SignalRow, ...]
    clips: tuple[ClipRow, ...]
    kinds: tuple[KindRow, ...]
    sizes: tuple[SizeRow, ...]
    curves: Curves


class CrossRow(msgspec.Struct, frozen=True, kw_only=True):
    """One profile on one set of footage, in short."""

    profile: str
    footage: str
    home: bool
    """Whether the profile was enrolled for this footage, as far as the order of the arguments says."""
    frame_auroc: float | None
    pixel_auroc: float | None
    false_alarms_per_hour: float | None
    flagged_normal_share: float | None
    found_share: float | None


class ShiftRow(msgspec.Struct, frozen=True, kw_only=True):
    """The same footage and threshold under changed conditions."""

    footage: str
    shift: str
    strength: str
    frame_auroc: float | None
    false_alarms_per_hour: float | None
    flagged_normal_share: float | None
    found_share: float | None
    median_normal_score: float | None


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """All that `vigil evaluate` found."""

    vigil: str
    made: str
    sets: tuple[Figures, ...]
    together: Figures | None
    """All detailed sets pooled, when there are several."""
    cross: tuple[CrossRow, ...]
    shifts: tuple[ShiftRow, ...]
