"""Alarms: what a person would have been called for, and when. Events are counted, not frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engines.evaluation.truth import Instance

Times = NDArray[np.float64]

_LONGEST_GAP_S: Final = 5.0
_ROUNDING_S: Final = 1e-6


@dataclass(frozen=True, slots=True)
class EventRule:
    """When flagged frames make an event. The defaults are those of the daemon's `[events]` section."""

    min_frames: int = 1
    release_ratio: float = 0.8
    cooldown_s: float = 2.0
    tolerance_s: float = 1.0
    """An event that begins so soon before an anomaly, or so soon after it, is no false alarm, and finds it."""
    outlast_s: float = 3.0
    """An event that still flags normal frames so long after the anomaly is a false alarm: one that never ends would
    find everything."""


@dataclass(frozen=True, slots=True)
class Event:
    """A stretch for which one alert was open."""

    began_s: float
    """First flagged frame."""
    ended_s: float
    """Last frame that held it."""
    peak: float


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one instance."""

    instance: Instance
    found: bool
    delay_s: float | None
    """From its first frame to the first flagged one; None when it was missed."""


@dataclass(frozen=True, slots=True)
class Alarms:
    """The outcome of one clip at one threshold."""

    events: tuple[Event, ...]
    false: tuple[Event, ...]
    found: tuple[Found, ...]
    normal_s: float
    """Seconds of footage that is known to be normal."""


def events(times_s: Times, scores: Times, threshold: float, rule: EventRule) -> list[Event]:
    """The events of a series of scores, as `pipelines.events.EventTracker` would make them."""
    made: list[Event] = []
    run: list[int] = []
    open_from, held = -1, -1
    release = min(threshold, threshold * rule.release_ratio)
    for index, score in enumerate(scores):
        if open_from >= 0:
            if score >= release:
                held = index
            elif times_s[index] - times_s[held] >= rule.cooldown_s - _ROUNDING_S:
                made.append(_event(times_s, scores, open_from, held))
                open_from = -1
            continue
        run = [*run, index] if score >= threshold else []
        if len(run) >= rule.min_frames:
            open_from, held, run = run[0], index, []
    if open_from >= 0:
        made.append(_event(times_s, scores, open_from, held))
    return made


def judge(
    times_s: Times, scores: Times, truth: NDArray[np.int8], instances: Sequence[Instance], threshold: float,
    rule: EventRule,
) -> Alarms:  # fmt: skip
    """Hold the events of a clip against its truth: int8 [N], 1 abnormal, 0 normal, -1 not judged.

    An event is false when the frame that begins it is known to be normal and no anomaly is within the tolerance, or
    when it goes on to flag such frames long after the anomaly. An instance is found when a frame is flagged while it is
    there or within the tolerance after it.
    """
    made = events(times_s, scores, threshold, rule)
    wrong = _wrong(times_s, scores >= threshold, truth, rule)
    false = tuple(event for event in made if _false(event, times_s, wrong))
    flagged = times_s[scores >= threshold]
    found = tuple(_find(instance, flagged, rule) for instance in instances)
    return Alarms(tuple(made), false, found, normal_seconds(times_s, truth))


def judge_stills(
    numbers: Times, scores: Times, truth: NDArray[np.int8], instances: Sequence[Instance], threshold: float
) -> Alarms:
    """The same for unrelated pictures: each one that is flagged is an event by itself."""
    rows = zip(numbers.tolist(), scores.tolist(), strict=True)
    made = [Event(number, number, score) for number, score in rows if score >= threshold]
    normal = set(numbers[truth == 0].tolist())
    false = tuple(event for event in made if event.began_s in normal)
    rule = EventRule(tolerance_s=0.0)
    found = tuple(_find(instance, numbers[scores >= threshold], rule) for instance in instances)
    return Alarms(tuple(made), false, found, 0.0)


def normal_seconds(times_s: Times, truth: NDArray[np.int8]) -> float:
    """How long the footage is known to be normal; a gap in it counts as one ordinary step."""
    if len(times_s) < 2:
        return 0.0
    steps = np.diff(times_s)
    usual = float(np.median(steps))
    steps = np.where((steps > 0) & (steps <= _LONGEST_GAP_S), steps, usual)
    return float(np.append(steps, usual)[truth == 0].sum())


def _event(times_s: Times, scores: Times, first: int, last: int) -> Event:
    return Event(float(times_s[first]), float(times_s[last]), float(scores[first : last + 1].max()))


def _wrong(
    times_s: Times, flagged: NDArray[np.bool_], truth: NDArray[np.int8], rule: EventRule
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Frames at which an event must not begin, and frames that it must not flag, bool [N] each."""
    abnormal = times_s[truth == 1]
    edges = np.concatenate(([-np.inf], abnormal, [np.inf]))
    after = np.searchsorted(edges, times_s, side="left")
    since, until = times_s - edges[after - 1], edges[after] - times_s
    normal = (truth == 0) & (until > rule.tolerance_s + _ROUNDING_S)
    begins = normal & (since > rule.tolerance_s + _ROUNDING_S)
    return begins, normal & flagged & (since > rule.outlast_s + _ROUNDING_S)


def _false(event: Event, times_s: Times, wrong: tuple[NDArray[np.bool_], NDArray[np.bool_]]) -> bool:
    first, last = (int(np.searchsorted(times_s, at)) for at in (event.began_s, event.ended_s))
    return bool(wrong[0][first] or wrong[1][first : last + 1].any())


def _find(instance: Instance, flagged: Times, rule: EventRule) -> Found:
    inside = flagged[
        (flagged >= instance.first_s - _ROUNDING_S) & (flagged <= instance.last_s + rule.tolerance_s + _ROUNDING_S)
    ]
    if not inside.size:
        return Found(instance, found=False, delay_s=None)
    return Found(instance, found=True, delay_s=max(0.0, float(inside[0]) - instance.first_s))
