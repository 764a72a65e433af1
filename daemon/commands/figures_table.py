"""The figures of an evaluation on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from engines.evaluation.figures import Evaluation, Figures
from engines.evaluation.page import NONE, number, percent, share
from engines.evaluation.sections import signal_cells

_SIGNAL_HEAD = ("signal", "frame AUROC", "mean of clips", "average precision", "pixel AUROC", "PRO")
_KIND_HEAD = ("kind", "found", "delay", "frame AUROC", "region AUROC", "PRO")
_CROSS_HEAD = ("profile", "footage", "frame AUROC", "normal flagged", "found")
_STUDY_HEAD = ("change", "strength", "frame AUROC", "false alarms an hour", "normal flagged")


def tell(console: Console, evaluation: Evaluation, out: Path) -> None:
    """Print the figures of each set side by side, then signals, kinds, scenes and shifts where there are any."""
    sets = [*evaluation.sets, *([evaluation.together] if evaluation.together else [])]
    console.print(_overview(sets))
    whole = evaluation.together or evaluation.sets[0]
    for table in (
        _table(f"signals: {whole.footage}", _SIGNAL_HEAD, signal_cells(whole)),
        _table(f"kinds: {whole.footage}", _KIND_HEAD, _kinds(whole)),
        _table("across scenes", _CROSS_HEAD, _cross(evaluation)),
        _table("calibration study", _STUDY_HEAD, _study(evaluation)),
    ):
        if table.row_count and len(table.columns) > 1:
            console.print(table)
    console.print(f"report: {out}", markup=False)


def _pair(first: str, second: str) -> str:
    return first if second == NONE else f"{first} ({second})"


def _interval(interval: tuple[float, float] | None) -> str:
    return number(None) if interval is None else f"{number(interval[0])} to {number(interval[1])}"


def _latency(figures: Figures) -> str:
    late = figures.latency
    return number(None) if late is None else f"{number(late.p50_ms)} / {number(late.p99_ms, 'ms')}"


_FIGURES: Sequence[tuple[str, Callable[[Figures], str]]] = (
    ("frames (abnormal)", lambda f: f"{f.frames} ({f.abnormal_frames})"),
    ("frame AUROC", lambda f: share(f.frame.auroc)),
    ("  mean of clips", lambda f: share(f.frame.auroc_by_clip)),
    ("average precision", lambda f: share(f.frame.average_precision)),
    ("F1 at the threshold (best)", lambda f: _pair(share(f.frame.f1), share(f.frame.best_f1))),
    ("pixel AUROC", lambda f: share(f.place.pixel_auroc)),
    ("pixel average precision", lambda f: share(f.place.pixel_average_precision)),
    ("PRO", lambda f: share(f.place.pro)),
    ("region AUROC", lambda f: share(f.place.region_auroc)),
    ("RBDC", lambda f: share(f.place.rbdc)),
    ("TBDC", lambda f: share(f.place.tbdc)),
    ("anomalies found", lambda f: f"{f.alarms.found} of {f.alarms.instances}" if f.alarms.instances else NONE),
    ("  at 1 false alarm an hour", lambda f: percent(f.at_one_per_hour.found_share if f.at_one_per_hour else None)),
    ("detection delay, median", lambda f: number(f.alarms.delay_median_s, "s")),
    ("false alarms (normal hours)", lambda f: _pair(str(f.alarms.false_alarms), number(f.alarms.normal_hours))),
    ("false alarms an hour", lambda f: number(f.alarms.false_alarms_per_hour)),
    ("  95 % interval", lambda f: _interval(f.alarms.false_alarms_per_hour_interval)),
    ("  promised by the profile", lambda f: _pair(number(f.alarms.promised), _interval(f.alarms.promised_interval))),
    ("  promise kept", lambda f: NONE if f.alarms.promise_kept is None else "yes" if f.alarms.promise_kept else "no"),
    ("normal frames flagged", lambda f: percent(f.alarms.flagged_normal_share)),
    ("latency a frame, p50 / p99", _latency),
)


def _overview(sets: Sequence[Figures]) -> Table:
    rows = [(name, *(show(one) for one in sets)) for name, show in _FIGURES]
    rows = [row for row in rows if any(cell != NONE for cell in row[1:])]
    return _table("evaluation", ("", *(one.footage for one in sets)), rows)


def _kinds(figures: Figures) -> list[Sequence[str]]:
    return [
        (
            row.kind,
            f"{row.found} of {row.instances}",
            number(row.delay_median_s, "s"),
            share(row.frame_auroc),
            share(row.region_auroc),
            share(row.pro),
        )
        for row in figures.kinds
    ]


def _cross(evaluation: Evaluation) -> list[Sequence[str]]:
    return [
        (row.profile, row.footage, share(row.frame_auroc), percent(row.flagged_normal_share), percent(row.found_share))
        for row in evaluation.cross
    ]


def _study(evaluation: Evaluation) -> list[Sequence[str]]:
    return [
        (
            row.shift,
            row.strength,
            share(row.frame_auroc),
            number(row.false_alarms_per_hour),
            percent(row.flagged_normal_share),
        )
        for row in evaluation.shifts
    ]


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Columns without any figure are left out."""
    shown = [index for index in range(len(head)) if any(row[index] != NONE for row in rows)]
    table = Table(title=escape(title), title_justify="left")
    for index in shown:
        table.add_column(escape(head[index]), justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*(escape(row[index]) for index in shown))
    return table
