"""Two runs of a benchmark side by side: the ratio of each figure, and whether it is worse."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from daemon.bench.figures import Figure, Result
from daemon.errors import SettingsError

Verdict = Literal["same", "better", "worse", "differs", "only before", "only after", "other machine"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A figure in both runs."""

    name: str
    unit: str
    before: float | None
    after: float | None
    ratio: float | None
    """After divided by before."""
    verdict: Verdict


def compare(before: Result, after: Result, tolerance: float) -> list[Row]:
    """Every figure of either run, in the order of the first; within `tolerance` (0.1: a tenth) two are the same.

    Figures of two different machines say nothing of the code, except ratios against a baseline of the same run.

    Raises:
        SettingsError: They are not runs of one benchmark, or one was quick and the other was not.
    """
    if before.bench != after.bench:
        raise SettingsError(f"one is of bench {before.bench}, the other of bench {after.bench}: compare like with like")
    if before.quick != after.quick:
        raise SettingsError("one is a quick run and the other is not: compare like with like")
    alike = (before.machine.processor, before.machine.cores) == (after.machine.processor, after.machine.cores)
    first = {figure.name: figure for figure in before.figures}
    second = {figure.name: figure for figure in after.figures}
    return [_row(name, first.get(name), second.get(name), tolerance, alike=alike) for name in {**first, **second}]


def regressed(rows: list[Row]) -> bool:
    """Whether a figure is worse, or gone."""
    return any(row.verdict in ("worse", "only before") for row in rows)


def _row(name: str, before: Figure | None, after: Figure | None, tolerance: float, *, alike: bool) -> Row:
    told = after or before
    assert told is not None
    if before is None or after is None:
        verdict: Verdict = "only after" if before is None else "only before"
        ratio = None
    else:
        ratio = after.value / before.value if before.value else (1.0 if after.value == 0 else math.inf)
        verdict = _verdict(told, ratio, tolerance) if alike or told.ratio else "other machine"
    return Row(
        name=name,
        unit=told.unit,
        before=None if before is None else before.value,
        after=None if after is None else after.value,
        ratio=ratio,
        verdict=verdict,
    )


def _verdict(figure: Figure, ratio: float, tolerance: float) -> Verdict:
    if 1 / (1 + tolerance) <= ratio <= 1 + tolerance:
        return "same"
    if figure.better is None:
        return "differs"
    return "better" if (ratio > 1) == (figure.better == "more") else "worse"
