"""What came of it: found, missed, false alarms, latency."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from daemon.demo.site import Counts
from daemon.demo.watching import Heard
from pipelines.simulation.scene import KINDS, Kind
from pipelines.simulation.sidecar import ClipTruth

KINDS_WANTED = 4
"""Kinds of anomaly that must be found in each view, of five."""
FALSE_ALARMS_BORNE = 1
"""In all views together."""


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """One planted anomaly, and whether it was found."""

    kind: Kind
    id: str
    first_s: float
    """When it is first seen in the clip."""
    last_s: float
    found_after_s: float | None
    """From then until the capture of the first frame whose alert shows it, at least 0; null: missed."""


class FalseAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """An event that shows nothing that was planted."""

    event_id: str
    clip_s: float
    """When it began, seconds from the start of the clip."""
    peak_score: float


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one camera."""

    camera: str
    view: int
    frames_received: int
    frames_analysed: int
    frames_dropped: int
    """Lost on the way; sampling is not a drop."""
    alerts: int
    events: int
    latency_p50_ms: float | None
    """From capture to publish; null without an alert."""
    latency_p99_ms: float | None
    planted: tuple[Planted, ...]
    false_alarms: tuple[FalseAlarm, ...]

    @property
    def kinds_found(self) -> tuple[Kind, ...]:
        """Kinds of which at least one was found."""
        return tuple(
            kind for kind in KINDS if any(p.kind == kind and p.found_after_s is not None for p in self.planted)
        )

    @property
    def kinds_missed(self) -> tuple[Kind, ...]:
        """The other kinds that were planted."""
        planted = {one.kind for one in self.planted}
        return tuple(kind for kind in KINDS if kind in planted and kind not in self.kinds_found)


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The whole demonstration."""

    passed: bool
    shortcomings: tuple[str, ...]
    """Why it did not pass, in words."""
    cameras: tuple[Outcome, ...]
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    seconds: dict[str, float]
    """How long each part took."""


def tally(heard: Sequence[Heard], truths: Mapping[str, ClipTruth], counts: Mapping[str, Counts]) -> tuple[Outcome, ...]:
    """Put together what came of each camera."""
    by_camera: dict[str, list[Heard]] = {camera: [] for camera in truths}
    for one in heard:
        by_camera[one.sighting.camera].append(one)
    return tuple(_outcome(camera, by_camera[camera], truth, counts[camera]) for camera, truth in truths.items())


def shortcomings(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Where the bar was not reached, in words."""
    found = [
        f"{one.camera}: {len(one.kinds_found)} of {len(KINDS)} kinds found, {KINDS_WANTED} are wanted "
        f"(missed: {', '.join(one.kinds_missed)})"
        for one in outcomes
        if len(one.kinds_found) < KINDS_WANTED
    ]
    alarms = sum(len(one.false_alarms) for one in outcomes)
    if alarms > FALSE_ALARMS_BORNE:
        found.append(f"{alarms} false alarms, at most {FALSE_ALARMS_BORNE} is borne")
    return tuple(found)


def quantile(values: Iterable[float], share: float) -> float | None:
    """The smallest value that at least a share of the values do not exceed; None of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def latencies(heard: Iterable[Heard]) -> list[float]:
    """Capture to publish in milliseconds, of alerts that a new frame caused."""
    return [one.header.latency_ms.capture_to_publish for one in heard if one.header.latency_ms is not None]


def _outcome(camera: str, heard: Sequence[Heard], truth: ClipTruth, counts: Counts) -> Outcome:
    taken = latencies(heard)
    return Outcome(
        camera=camera,
        view=truth.view,
        frames_received=counts.received,
        frames_analysed=counts.analysed,
        frames_dropped=counts.dropped,
        alerts=len(heard),
        events=len({one.header.event_id for one in heard}),
        latency_p50_ms=quantile(taken, 0.5),
        latency_p99_ms=quantile(taken, 0.99),
        planted=_planted(heard, truth),
        false_alarms=_false_alarms(heard),
    )


def _planted(heard: Sequence[Heard], truth: ClipTruth) -> tuple[Planted, ...]:
    first: dict[str, float] = {}
    for one in heard:
        for span in one.shown:
            after_s = max(0.0, one.sighting.clip_s - span.first_s)
            first[span.id] = min(after_s, first.get(span.id, math.inf))
    return tuple(
        Planted(kind=span.kind, id=span.id, first_s=span.first_s, last_s=span.last_s, found_after_s=first.get(span.id))
        for span in truth.planted
    )


def _false_alarms(heard: Sequence[Heard]) -> tuple[FalseAlarm, ...]:
    events: dict[str, list[Heard]] = defaultdict(list)
    for one in heard:
        events[one.header.event_id].append(one)
    return tuple(
        FalseAlarm(
            event_id=name,
            clip_s=round(min(one.sighting.clip_s for one in alerts), 2),
            peak_score=max(one.header.peak_score for one in alerts),
        )
        for name, alerts in events.items()
        if not any(one.shown for one in alerts)
    )
