"""The frames of several clips together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2  # type: ignore[import-untyped]  # it ships no stubs

from engines.evaluation import frames as frame_metrics
from engines.evaluation.alarms import Alarms, EventRule, Found, judge, judge_stills
from engines.evaluation.figures import AlarmFigures, FrameFigures, OperatingPoint
from engines.evaluation.record import ClipRecord, Promise

_STEPS: Final = 48


class Pooled:
    """The frames of several clips together, each with its own threshold."""

    def __init__(self, records: Sequence[ClipRecord], rule: EventRule) -> None:
        self.records = records
        self.rule = rule
        self.still = all(record.still for record in records)
        self.state = np.concatenate([record.state for record in records])
        self.scores = np.concatenate([record.score for record in records])
        self.thresholds = np.concatenate([np.full(len(r.scores), r.threshold) for r in records])
        self.alarms = tuple(self._alarms(record, 0.0) for record in records)

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Frames that somebody looked at."""
        return np.asarray(self.state >= 0)

    @property
    def found(self) -> list[Found]:
        """What became of each instance."""
        return [found for alarms in self.alarms for found in alarms.found]

    def column(self, signal: str | None) -> NDArray[np.float64]:
        """The scores of one signal over all frames, or the fused ones."""
        if signal is None:
            return self.scores
        columns = [np.array(record.signals[signal], np.float64) for record in self.records]  # type: ignore[index]  # a Signal
        return np.concatenate(columns)

    def frame_auroc(self, signal: str | None = None) -> tuple[float | None, float | None, float | None]:
        """AUROC pooled, AUROC as the mean over clips, average precision."""
        values, edges = self.column(signal), np.cumsum([len(r.scores) for r in self.records])[:-1]
        by_clip = [
            frame_metrics.auroc(state[state >= 0] == 1, part[state >= 0])
            for state, part in zip(np.split(self.state, edges), np.split(values, edges), strict=True)
        ]
        each = [one for one in by_clip if one is not None]
        truth, scores = self.state[self.judged] == 1, values[self.judged]
        mean = float(np.mean(each)) if each else None
        return frame_metrics.auroc(truth, scores), mean, frame_metrics.average_precision(truth, scores)

    def frame_figures(self) -> FrameFigures:
        """Figures over whole frames."""
        truth = self.state[self.judged] == 1
        flagged = (self.scores >= self.thresholds)[self.judged]
        auroc, by_clip, precision = self.frame_auroc()
        there = frame_metrics.at_threshold(truth, flagged)
        return FrameFigures(
            auroc=auroc,
            auroc_by_clip=by_clip,
            average_precision=precision,
            precision=there and there[0],
            recall=there and there[1],
            f1=there and there[2],
            best_f1=frame_metrics.best_f1(truth, self.scores[self.judged]),
        )

    def alarm_figures(self) -> AlarmFigures:
        """Figures over events."""
        normal = self.state == 0
        false = sum(len(alarms.false) for alarms in self.alarms)
        hours = None if self.still else sum(alarms.normal_s for alarms in self.alarms) / 3600
        delays = [one.delay_s for one in self.found if one.delay_s is not None]
        promise, amount = self._promise(), float(normal.sum()) if self.still else hours
        return AlarmFigures(
            events=sum(len(alarms.events) for alarms in self.alarms),
            false_alarms=false,
            normal_hours=hours,
            false_alarms_per_hour=false / hours if hours else None,
            false_alarms_per_hour_interval=poisson_interval(false, hours) if hours else None,
            flagged_normal_share=float((self.scores >= self.thresholds)[normal].mean()) if normal.any() else None,
            promised=promise.rate if promise else None,
            promised_interval=(promise.low, promise.high) if promise else None,
            promise_kept=kept(promise, false, amount) if promise and amount else None,
            instances=len(self.found),
            found=sum(one.found for one in self.found),
            delay_median_s=float(np.median(delays)) if delays and not self.still else None,
            delay_p90_s=float(np.quantile(delays, 0.9)) if delays and not self.still else None,
        )

    def _promise(self) -> Promise | None:
        """What the profile promised; nothing is said of several profiles together."""
        promises = {record.promise for record in self.records}
        return promises.pop() if len(promises) == 1 else None

    def operating_points(self) -> list[OperatingPoint]:
        """What other thresholds would bring, from the highest on; empty without normal footage."""
        margins = (self.scores - self.thresholds)[self.state == 0]
        if not margins.size:
            return []
        tail = np.quantile(margins, 1 - np.geomspace(1e-6, 0.5, _STEPS))
        steps = np.unique(np.concatenate((tail, [0.0, float(margins.max()) + 1e-6])))[::-1]
        return [point for step in steps if (point := self._point(float(step))) is not None]

    def _point(self, margin: float) -> OperatingPoint | None:
        outcomes = [self._alarms(record, margin) for record in self.records]
        hours = sum(one.normal_s for one in outcomes) / 3600
        found = [each for one in outcomes for each in one.found]
        kinds = sorted({each.instance.kind for each in found})
        return None if hours == 0 else OperatingPoint(
            margin=margin,
            false_alarms_per_hour=sum(len(one.false) for one in outcomes) / hours,
            found_share=_share(found),
            found_share_by_kind={
                kind: _share([one for one in found if one.instance.kind == kind]) or 0.0 for kind in kinds
            },
        )  # fmt: skip

    def _alarms(self, record: ClipRecord, margin: float) -> Alarms:
        return outcome(record, self.rule, margin)


def outcome(record: ClipRecord, rule: EventRule, margin: float = 0.0) -> Alarms:
    """The events of a clip against its truth, at its threshold and a margin."""
    if record.still:
        return judge_stills(record.time, record.score, record.state, record.instances, record.threshold + margin)
    return judge(record.time, record.score, record.state, record.instances, record.threshold + margin, rule)


def poisson_interval(events: int, hours: float) -> tuple[float, float]:
    """95 % interval of a rate from a count of events (F. Garwood, Biometrika 1936)."""
    low = 0.0 if events == 0 else float(chi2.ppf(0.025, 2 * events)) / 2
    return low / hours, float(chi2.ppf(0.975, 2 * events + 2)) / 2 / hours


def kept(promise: Promise, events: int, amount: float) -> bool:
    """Whether the 95 % interval of a count over some hours (or pictures) and the promised one overlap."""
    low, high = poisson_interval(events, amount)
    return low <= promise.high and high >= promise.low


def _share(found: Sequence[Found]) -> float | None:
    return sum(one.found for one in found) / len(found) if found else None
