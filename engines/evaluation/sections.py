"""The parts of the report: each takes figures and gives HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engines.evaluation.charts import Axes, Line, Timeline, curve_chart, timeline
from engines.evaluation.definitions import DEFINITIONS
from engines.evaluation.figures import AlarmFigures, CrossRow, Figures, ShiftRow
from engines.evaluation.page import NONE, Html, number, percent, share, table, tag

_SIDE_BY_SIDE: Final = 6
"""From so many clips on, plots stand two in a row."""
_NARROW: Final = 520


def tiles(figures: Figures) -> Html:
    """The figures that matter most, large."""
    frame, place, alarms = figures.frame, figures.place, figures.alarms
    shown = [
        _tile(
            "Frame AUROC", share(frame.auroc), "" if figures.still else f"mean of clips {share(frame.auroc_by_clip)}"
        ),
        _tile("Average precision", share(frame.average_precision), "over frames"),
        _tile("F1 at the threshold", share(frame.f1), f"at the best one {share(frame.best_f1)}"),
        _tile("Pixel AUROC", share(place.pixel_auroc), f"average precision {share(place.pixel_average_precision)}"),
        _tile("PRO", share(place.pro), "to a false-positive rate of 0.3"),
        _tile("Region AUROC", share(place.region_auroc), f"{place.regions:,} regions"),
        _tile("RBDC", share(place.rbdc), "regions detected"),
        _tile("TBDC", share(place.tbdc), "tracks detected"),
        *_alarm_tiles(alarms),
    ]
    if figures.latency is not None:
        late = figures.latency
        shown.append(
            _tile("Latency a frame", number(late.p50_ms, "ms"), f"99 of 100 within {number(late.p99_ms, 'ms')}")
        )
    return tag("div", *(one for one in shown if f"<b>{NONE}</b>" not in one), class_="tiles")


def _alarm_tiles(alarms: AlarmFigures) -> list[Html]:
    found = f"{alarms.found} of {alarms.instances}" if alarms.instances else NONE
    interval = alarms.false_alarms_per_hour_interval
    usual = f"90 of 100 within {number(alarms.delay_p90_s, 's')}"
    doubt = f"95 %: {number(interval[0])} to {number(interval[1])}; {alarms.false_alarms} events" if interval else ""
    stated = alarms.promised_interval
    promised = (
        f"promised {number(stated[0])} to {number(stated[1])}, aimed at {number(alarms.promised)}" if stated else ""
    )
    held = NONE if alarms.promise_kept is None else "kept" if alarms.promise_kept else "not kept"
    return [
        _tile("Anomalies found", found, "flagged at least once"),
        _tile("False alarms an hour", number(alarms.false_alarms_per_hour), doubt),
        _tile("Promise of the profile", held, promised),
        _tile("Normal frames flagged", percent(alarms.flagged_normal_share), "at the profile's threshold"),
        _tile("Detection delay", number(alarms.delay_median_s, "s"), usual),
    ]


def _tile(name: str, value: str, more: str) -> Html:
    return tag("div", tag("span", name), tag("b", value), tag("small", more), class_="tile")


def signal_cells(figures: Figures) -> list[tuple[str, ...]]:
    """One row a signal: its name, frame AUROC pooled and by clip, average precision, pixel AUROC, PRO."""
    return [
        (
            row.signal,
            share(row.frame_auroc),
            share(row.frame_auroc_by_clip),
            share(row.average_precision),
            share(row.pixel_auroc),
            share(row.pro),
        )
        for row in figures.signals
    ]


def signals(figures: Figures) -> list[Html]:
    """Each signal alone and the fusion."""
    rows = signal_cells(figures)
    head = ("signal", "frame AUROC", "mean of clips", "average precision", "pixel AUROC", "PRO")
    if all(cell == NONE for row in rows for cell in row[1:]):
        return []
    return [tag("h3", "Each signal alone"), table(head, rows, mark=(0,))]


def kinds(figures: Figures) -> list[Html]:
    """By kind of anomaly."""
    if not figures.kinds:
        return []
    one = figures.at_one_per_hour
    rows = [
        (
            row.kind,
            f"{row.found} of {row.instances}",
            percent(one.found_share_by_kind.get(row.kind)) if one else NONE,
            number(row.delay_median_s, "s"),
            share(row.frame_auroc),
            share(row.average_precision),
            f"{row.regions:,}",
            share(row.region_auroc),
            share(row.pro),
        )
        for row in figures.kinds
    ]
    head = (
        "kind", "found", "found at 1 an hour", "median delay", "frame AUROC", "average precision", "regions",
        "region AUROC", "PRO",
    )  # fmt: skip
    said = "Each kind against all normal footage."
    if one is not None:
        said += (
            " Found at 1 an hour: with the lowest threshold that raises at most one false alarm an hour here "
            f"(the profile's own {one.margin:+.2f}), {percent(one.found_share)} of all anomalies are found."
        )
    return [tag("h3", "By kind of anomaly"), tag("p", said, class_="note"), table(head, rows)]


def sizes(figures: Figures) -> list[Html]:
    """By size of the abnormal region."""
    if not figures.sizes:
        return []
    rows = [(row.size, f"{row.regions:,}", share(row.region_auroc), share(row.pro)) for row in figures.sizes]
    said = "By the share of the picture that a region covers."
    head = ("size", "regions", "region AUROC", "PRO")
    return [tag("h3", "By size of region"), tag("p", said, class_="note"), table(head, rows)]


def clips(figures: Figures) -> list[Html]:
    """By clip."""
    rows = [
        (
            row.clip,
            f"{row.frames:,}",
            f"{row.abnormal:,}",
            f"{row.threshold:.2f}",
            share(row.frame_auroc),
            share(row.average_precision),
            share(row.pixel_auroc),
            share(row.pro),
            str(row.events),
            str(row.false_alarms),
            f"{row.found} of {row.instances}" if row.instances else NONE,
            number(row.delay_median_s, "s"),
        )
        for row in figures.clips
    ]
    head = (
        "clip", "frames", "abnormal", "threshold", "frame AUROC", "average precision", "pixel AUROC", "PRO", "events",
        "false", "found", "median delay",
    )  # fmt: skip
    return [tag("h3", "By clip"), table(head, rows)]


def curves(figures: Figures) -> list[Html]:
    """The curves behind the areas."""
    drawn, points = [], figures.curves
    if points.roc:
        axes = Axes("false-positive rate", "true-positive rate")
        drawn.append(curve_chart("ROC over frames", [Line("", points.roc)], axes, diagonal=True))
        axes = Axes("recall", "precision")
        drawn.append(curve_chart("Precision and recall over frames", [Line("", points.precision_recall)], axes))
    if points.alarms and max(x for x, _ in points.alarms) > 0:
        most = min(60.0, max(x for x, _ in points.alarms))
        axes = Axes("false alarms an hour", "anomalies found", x_most=most)
        drawn.append(curve_chart("Anomalies found against false alarms", [Line("", _rising(points.alarms))], axes))
    if points.pro:
        axes = Axes("false-positive rate over pixels", "region overlap", x_most=0.3)
        drawn.append(curve_chart("Per-region overlap", [Line("", points.pro)], axes))
    if points.regions:
        lines = [Line("regions (RBDC)", points.regions)]
        lines += [Line("tracks (TBDC)", points.tracks, 2)] if points.tracks else []
        axes = Axes("false-positive regions a frame", "detection rate")
        drawn.append(curve_chart("Detection criteria", lines, axes))
    return [tag("h3", "Curves"), tag("div", *drawn, class_="charts")] if drawn else []


def _rising(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """More false alarms never bring less: at low thresholds events melt into one and the rate falls again."""
    kept: list[tuple[float, float]] = []
    for x, y in points:
        if not kept or x >= kept[-1][0]:
            kept.append((x, max(y, kept[-1][1]) if kept else y))
    return tuple(kept)


def timelines(shown: Sequence[tuple[str, Timeline]]) -> list[Html]:
    """Score over time, clip by clip."""
    if not shown:
        return []
    still = all(one.still for _, one in shown)
    keys = [("c1", "score"), ("t area", "abnormal by the truth"), ("u area", "not judged")]
    keys += [] if still else [("g bar", "event"), ("b bar", "false alarm")]
    legend = [tag("span", tag("i", class_=kind), name) for kind, name in keys]
    many = len(shown) > _SIDE_BY_SIDE
    plots = [
        tag("div", tag("h4", name), timeline(one, _NARROW) if many else timeline(one), class_="clip")
        for name, one in shown
    ]
    return [
        tag("h3", "Score of each picture" if still else "Score over time"),
        tag("div", *legend, tag("span", "dashed: threshold"), class_="legend"),
        tag("div", *plots, class_="pairs" if many else None),
    ]


def cross(rows: Sequence[CrossRow]) -> list[Html]:
    """Profiles against footage."""
    footage = list(dict.fromkeys(row.footage for row in rows))
    profiles = list(dict.fromkeys(row.profile for row in rows))
    cells = {(row.profile, row.footage): row for row in rows}

    def grid(title: str, show: str) -> list[Html]:
        body = []
        for profile in profiles:
            line = [cells.get((profile, each)) for each in footage]
            body.append((profile, *(_cell(cell, show) for cell in line)))
        return [tag("h3", title), table(("enrolled on, down; judged on, across", *footage), body)]

    said = "Each profile on each set of footage. Bold: the footage that the profile was enrolled for."
    return [
        tag("p", said, class_="note"),
        *grid("Frame AUROC", "auroc"),
        *grid("Normal frames flagged", "flagged"),
        *grid("Anomalies found", "found"),
    ]


def _cell(cell: CrossRow | None, show: str) -> str:
    if cell is None:
        return NONE
    values = {
        "auroc": share(cell.frame_auroc),
        "flagged": percent(cell.flagged_normal_share),
        "found": percent(cell.found_share),
    }
    return tag("strong", values[show]) if cell.home else values[show]


def study(rows: Sequence[ShiftRow]) -> list[Html]:
    """The threshold under changed conditions."""
    said = (
        "The same profile and threshold on the same footage, changed. A threshold that holds flags no more normal "
        "frames than before; a detector that holds keeps its AUROC and finds what it found."
    )
    shown = [tag("p", said, class_="note")]
    for footage in dict.fromkeys(row.footage for row in rows):
        mine = [row for row in rows if row.footage == footage]
        body = [
            (
                row.shift,
                row.strength,
                share(row.frame_auroc),
                percent(row.found_share),
                number(row.false_alarms_per_hour),
                percent(row.flagged_normal_share),
                share(row.median_normal_score, 2),
            )
            for row in mine
        ]
        head = (
            "change", "strength", "frame AUROC", "anomalies found", "false alarms an hour", "normal frames flagged",
            "median normal score",
        )  # fmt: skip
        shown += [tag("h3", footage), table(head, body, words=2, mark=(0,))]
    return shown


def definitions() -> Html:
    """What each figure means."""
    return tag("dl", *(each for name, text in DEFINITIONS for each in (tag("dt", name), tag("dd", text))))
