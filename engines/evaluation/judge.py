"""From records to figures."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np

from engines.contract import SIGNALS
from engines.evaluation import frames as frame_metrics
from engines.evaluation.alarms import Alarms, EventRule, normal_seconds
from engines.evaluation.criteria import LONGEST, DetectionTally, levels_of
from engines.evaluation.figures import (
    ClipRow,
    CrossRow,
    Curves,
    Figures,
    KindRow,
    LatencyFigures,
    OperatingPoint,
    PlaceFigures,
    Points,
    ShiftRow,
    SignalRow,
    SizeRow,
)
from engines.evaluation.pixels import SIZES, PixelTally, joined
from engines.evaluation.pooled import Pooled
from engines.evaluation.record import ClipRecord
from engines.evaluation.tally import Curve

_PLOTTED: Final = 240


def figures(
    footage: str, profile: str, records: Sequence[ClipRecord], rule: EventRule, *, localised: bool = True
) -> Figures:
    """Everything about one profile on one set of footage; `localised` also counts RBDC and TBDC, which takes time.

    Stills have neither tracks nor false positives a frame that mean anything: both are left out.
    """
    pooled = Pooled(records, rule)
    pixels = joined(record.pixels for record in records)
    detections = _detections(records) if localised and pixels.all.regions and not pooled.still else None
    alarm_points = [] if pooled.still else pooled.operating_points()
    return Figures(
        footage=footage,
        profile=profile,
        still=pooled.still,
        frames=len(pooled.state),
        normal_frames=int((pooled.state == 0).sum()),
        abnormal_frames=int((pooled.state == 1).sum()),
        hours=None if pooled.still else sum(normal_seconds(r.time, 0 * r.state) for r in records) / 3600,
        frame=pooled.frame_figures(),
        place=_place(pixels, detections),
        alarms=pooled.alarm_figures(),
        at_one_per_hour=_at_most_one(alarm_points),
        latency=_latency(records),
        signals=_signals(pooled, pixels),
        clips=tuple(_clip_row(record, alarms) for record, alarms in zip(records, pooled.alarms, strict=True)),
        kinds=_kinds(pooled, pixels),
        sizes=_sizes(pixels),
        curves=_curves(pooled, pixels, detections, alarm_points),
    )


def cross_row(profile: str, footage: str, records: Sequence[ClipRecord], rule: EventRule, *, home: bool) -> CrossRow:
    """One cell of the table of profiles and footage."""
    pooled = Pooled(records, rule)
    alarms = pooled.alarm_figures()
    return CrossRow(
        profile=profile,
        footage=footage,
        home=home,
        frame_auroc=pooled.frame_figures().auroc,
        pixel_auroc=joined(record.pixels for record in records).auroc(),
        false_alarms_per_hour=alarms.false_alarms_per_hour,
        flagged_normal_share=alarms.flagged_normal_share,
        found_share=alarms.found / alarms.instances if alarms.instances else None,
    )


def shift_row(footage: str, shift: str, strength: str, records: Sequence[ClipRecord], rule: EventRule) -> ShiftRow:
    """One line of the calibration study."""
    pooled = Pooled(records, rule)
    alarms = pooled.alarm_figures()
    normal = pooled.scores[pooled.state == 0]
    return ShiftRow(
        footage=footage,
        shift=shift,
        strength=strength,
        frame_auroc=pooled.frame_figures().auroc,
        false_alarms_per_hour=alarms.false_alarms_per_hour,
        flagged_normal_share=alarms.flagged_normal_share,
        found_share=alarms.found / alarms.instances if alarms.instances else None,
        median_normal_score=float(np.median(normal)) if normal.size else None,
    )


def _at_most_one(points: Sequence[OperatingPoint]) -> OperatingPoint | None:
    """The lowest threshold before the rate first exceeds one an hour."""
    good = list(itertools.takewhile(lambda point: point.false_alarms_per_hour <= 1.0, points))
    return good[-1] if good else None


def _detections(records: Sequence[ClipRecord]) -> DetectionTally | None:
    peaks, values = [], []
    for record in records:
        for scores in record.maps:
            peaks.append(float(scores.max()))
            values.append(scores[::4, ::4].ravel())
    if not peaks:
        return None
    tally = DetectionTally(levels_of(np.array(peaks), np.concatenate(values)))
    for record in records:
        for time_s, scores in zip(record.times_s, record.maps, strict=True):
            tally.add(scores, record.truth.at(time_s, LONGEST), record.name)
    return tally


def _place(pixels: PixelTally, detections: DetectionTally | None) -> PlaceFigures:
    return PlaceFigures(
        pixel_auroc=pixels.auroc(),
        pixel_average_precision=pixels.average_precision(),
        pro=pixels.pro(),
        region_auroc=pixels.region_auroc(),
        rbdc=detections.rbdc() if detections else None,
        tbdc=detections.tbdc() if detections else None,
        regions=pixels.all.regions,
    )


def _latency(records: Sequence[ClipRecord]) -> LatencyFigures | None:
    values = np.concatenate([np.array(record.latency_ms, np.float64) for record in records])
    if not values.size:
        return None
    p50, p95, p99 = (float(one) for one in np.quantile(values, (0.5, 0.95, 0.99)))
    return LatencyFigures(p50_ms=p50, p95_ms=p95, p99_ms=p99)


def _signals(pooled: Pooled, pixels: PixelTally) -> tuple[SignalRow, ...]:
    rows = [_signal_row("fused", None, pooled, pixels)]
    for signal in SIGNALS:
        values = pooled.column(signal)
        if np.isfinite(values).any() and np.nanmin(values) < np.nanmax(values):
            tally = joined(record.signal_pixels[signal] for record in pooled.records)
            rows.append(_signal_row(signal, signal, pooled, tally))
    return tuple(rows)


def _signal_row(name: str, signal: str | None, pooled: Pooled, pixels: PixelTally) -> SignalRow:
    auroc, by_clip, precision = pooled.frame_auroc(signal)
    return SignalRow(
        signal=name,
        frame_auroc=auroc,
        frame_auroc_by_clip=by_clip,
        average_precision=precision,
        pixel_auroc=pixels.auroc(),
        pro=pixels.pro(),
    )


def _clip_row(record: ClipRecord, alarms: Alarms) -> ClipRow:
    judged = record.state >= 0
    truth, scores = record.state[judged] == 1, record.score[judged]
    delays = [one.delay_s for one in alarms.found if one.delay_s is not None]
    return ClipRow(
        clip=record.name,
        frames=len(record.scores),
        abnormal=int(truth.sum()),
        threshold=record.threshold,
        frame_auroc=frame_metrics.auroc(truth, scores),
        average_precision=frame_metrics.average_precision(truth, scores),
        pixel_auroc=record.pixels.auroc(),
        pro=record.pixels.pro(),
        events=len(alarms.events),
        false_alarms=len(alarms.false),
        instances=len(alarms.found),
        found=sum(one.found for one in alarms.found),
        delay_median_s=float(np.median(delays)) if delays and not record.still else None,
    )


def _kinds(pooled: Pooled, pixels: PixelTally) -> tuple[KindRow, ...]:
    """By kind: frames that show it against normal frames; frames that show only other kinds count neither way."""
    names = [kinds for record in pooled.records for kinds in record.kinds]
    rows = []
    for kind in sorted({kind for kinds in names for kind in kinds}):
        shows = np.array([kind in kinds for kinds in names]) & pooled.judged
        used = shows | (pooled.state == 0)
        found = [one for one in pooled.found if one.instance.kind == kind]
        delays = [one.delay_s for one in found if one.delay_s is not None]
        regions = pixels.kinds.get(kind)
        rows.append(
            KindRow(
                kind=kind,
                instances=len(found),
                found=sum(one.found for one in found),
                delay_median_s=float(np.median(delays)) if delays and not pooled.still else None,
                frame_auroc=frame_metrics.auroc(shows[used], pooled.scores[used]),
                average_precision=frame_metrics.average_precision(shows[used], pooled.scores[used]),
                regions=regions.regions if regions else 0,
                region_auroc=pixels.region_auroc(regions) if regions else None,
                pro=pixels.pro(regions) if regions else None,
            )
        )
    return tuple(rows)


def _sizes(pixels: PixelTally) -> tuple[SizeRow, ...]:
    return tuple(
        SizeRow(
            size=name,
            regions=pixels.sizes[name].regions,
            region_auroc=pixels.region_auroc(pixels.sizes[name]),
            pro=pixels.pro(pixels.sizes[name]),
        )
        for name, _ in SIZES
        if name in pixels.sizes
    )


def _curves(
    pooled: Pooled, pixels: PixelTally, detections: DetectionTally | None, alarms: Sequence[OperatingPoint]
) -> Curves:
    truth, scores = pooled.state[pooled.judged] == 1, pooled.scores[pooled.judged]
    both = frame_metrics.both(truth)
    return Curves(
        roc=_points(frame_metrics.roc(truth, scores)) if both else (),
        precision_recall=_points(frame_metrics.precision_recall(truth, scores)) if both else (),
        pro=_points(pixels.pro_curve()),
        regions=_points(detections.region_curve()) if detections else (),
        tracks=_points(detections.track_curve()) if detections else (),
        alarms=tuple((one.false_alarms_per_hour, one.found_share) for one in alarms if one.found_share is not None),
    )


def _points(curve: Curve | None) -> Points:
    """At most some hundreds of points, both ends among them."""
    if curve is None:
        return ()
    chosen = np.unique(np.linspace(0, len(curve.x) - 1, _PLOTTED).astype(int))
    return tuple((round(float(curve.x[i]), 5), round(float(curve.y[i]), 5)) for i in chosen)
