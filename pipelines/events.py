"""Verdicts of one camera -> begin, update and end of events.

A pure state machine: time comes with the verdict, on the capture clock, and nothing here reads a clock. An event
begins when a frame reaches the threshold, stays open while frames hold at least a share of it (hysteresis), and ends
once none has done so for the cool-down. So a score that trembles about the threshold makes one event, not a hundred.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from pipelines.types import EndReason, Phase, Unfit, Verdict

_NS = 1_000_000_000


class EventSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When an event begins, how often it is reported on, and when it is over."""

    min_frames: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    """Consecutive flagged frames that make an event. The detector's score is already smoothed over the camera's
    last frames, so one flagged frame stands for several raised ones, and 1 lets the alert leave with the batch that
    crossed the line. More frames trade that promptness for fewer short events."""
    release_ratio: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.8
    """An open event is held by frames that score at least this share of the threshold."""
    cooldown_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 2.0
    """The event ends at the first frame that comes this long after the last one that held it."""
    update_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 1.0
    """Time from the begin to the first update."""
    update_growth: Annotated[float, msgspec.Meta(ge=1, le=10)] = 1.5
    """Each wait for an update is this much longer than the one before: what lasts for hours is not news."""
    update_max_s: Annotated[float, msgspec.Meta(gt=0, le=86400)] = 60.0
    """The longest wait between updates."""
    peak_ratio: Annotated[float, msgspec.Meta(gt=1, le=100)] = 1.25
    """A frame that scores this much above all that was reported of the event is an update at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Transition:
    """A step of an event that is worth an alert."""

    phase: Phase
    event_id: str
    verdict: Verdict
    """The frame that made the step; for an end without one (camera lost, daemon stopped) the latest frame seen."""
    began_wall_s: float
    duration_s: float
    """From the event's first flagged frame to its latest raised one, on the capture clock; never negative."""
    peak_score: float
    frames: int
    """Flagged frames so far."""
    end_reason: EndReason | None = None
    """Set if, and only if, the phase is end."""


class EventTracker:
    """Follows one camera's events. At most one is open; its phases come in the order begin, update..., end."""

    def __init__(self, camera: str, settings: EventSettings, boot_id: str) -> None:
        self._prefix = f"{boot_id}-{camera}"
        self.settings = settings
        """May be replaced at any time, also while an event goes on."""
        self._number = 0
        self._candidate: _Event | None = None
        self._event: _Event | None = None

    @property
    def event_id(self) -> str | None:
        """The open event, if there is one."""
        return None if self._event is None else self._event.event_id

    def observe(self, verdict: Verdict) -> Transition | None:
        """Take the camera's next verdict; says what it means for the events, None when nothing worth telling."""
        if verdict.unfit is not None:
            return self._endure(verdict.unfit)
        if self._event is None:
            return self._wait(verdict)
        return self._follow(self._event, verdict)

    def close(self, reason: EndReason) -> Transition | None:
        """End the open event, if there is one, for want of further frames."""
        self._candidate = None
        event, self._event = self._event, None
        return None if event is None else event.tell("end", event.latest, reason)

    def _endure(self, unfit: Unfit) -> Transition | None:
        """A frame that was not judged: it begins nothing, and a fault of the camera ends what it hides."""
        self._candidate = None
        return None if unfit == "unsettled" else self.close("health")

    def _wait(self, verdict: Verdict) -> Transition | None:
        if not verdict.flagged:
            self._candidate = None
            return None
        if self._candidate is None:
            self._candidate = _Event(verdict, self.settings.update_s)
        self._candidate.hold(verdict)
        if self._candidate.frames < self.settings.min_frames:
            return None
        self._event, self._candidate = self._candidate, None
        self._number += 1
        self._event.event_id = f"{self._prefix}-{self._number}"
        return self._event.tell("begin", verdict)

    def _follow(self, event: _Event, verdict: Verdict) -> Transition | None:
        if self._holds(verdict):
            event.hold(verdict)
            return event.tell("update", verdict) if self._worth_telling(event, verdict) else None
        event.latest = verdict
        if _since(event.raised_ns, verdict) < self.settings.cooldown_s:
            return None
        self._event = None
        return event.tell("end", verdict, "calm")

    def _holds(self, verdict: Verdict) -> bool:
        release = min(verdict.threshold, verdict.threshold * self.settings.release_ratio)
        return verdict.score >= release

    def _worth_telling(self, event: _Event, verdict: Verdict) -> bool:
        due = _since(event.told_ns, verdict) >= event.wait_s
        if due:
            event.wait_s = min(event.wait_s * self.settings.update_growth, self.settings.update_max_s)
        return due or verdict.score - event.told_peak > abs(event.told_peak) * (self.settings.peak_ratio - 1)


class _Event:
    """What is known of an event that is open, or that a run of flagged frames may become."""

    def __init__(self, first: Verdict, wait_s: float) -> None:
        self.event_id = ""
        self.latest = first
        self.began_ns, self.began_wall_s = first.frame.captured_ns, first.frame.wall_s
        self.frames, self.peak, self.raised_ns = 0, first.score, first.frame.captured_ns
        self.told_ns, self.told_peak, self.wait_s = self.raised_ns, self.peak, wait_s

    def hold(self, verdict: Verdict) -> None:
        self.latest = verdict
        self.raised_ns = max(self.raised_ns, verdict.frame.captured_ns)
        self.peak = max(self.peak, verdict.score)
        self.frames += verdict.flagged

    def tell(self, phase: Phase, verdict: Verdict, reason: EndReason | None = None) -> Transition:
        self.told_ns, self.told_peak = self.raised_ns, self.peak
        return Transition(
            phase=phase,
            event_id=self.event_id,
            verdict=verdict,
            began_wall_s=self.began_wall_s,
            duration_s=max(0, self.raised_ns - self.began_ns) / _NS,
            peak_score=self.peak,
            frames=self.frames,
            end_reason=reason,
        )


def _since(then_ns: int, verdict: Verdict) -> float:
    """Seconds from a moment on the capture clock to the verdict's frame."""
    return (verdict.frame.captured_ns - then_ns) / _NS
