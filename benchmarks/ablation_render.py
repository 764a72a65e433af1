"""The ablation table as Markdown, with what chance alone moves."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from scipy.stats import t as student  # type: ignore[import-untyped]  # it ships no stubs

from benchmarks.ablation_judge import COLUMNS
from benchmarks.ablation_rows import BASELINE, SEEDS

KINDS: Final = [(column, kind) for column in COLUMNS for kind in ("frame", "pixel")]
COSTS: Final = ("GFLOP", "ms")
"""Columns that no chance is told of."""
_SURE: Final = 0.95

Numbers = Mapping[str, Any]
Read = Callable[[Numbers], float | None]


def render(table: Numbers) -> str:
    """Two tables: the mean over the sets, and each set. Bold is outside of what chance moves."""
    rows = table["rows"]
    if not rows:
        return "no rows"
    blocks = [("mean of the sets", _means()), *((name, _of_set(name)) for name in rows[0]["sets"])]
    return "\n\n".join(f"### {title}\n\n{_block(rows, columns)}" for title, columns in blocks)


def chance(rows: Sequence[Numbers], read: Read) -> tuple[float, float] | None:
    """The interval in which another seed of the default falls with 95 %; None for fewer than three seeds."""
    seeds = [value for row in rows if row["row"] in (BASELINE, *SEEDS) if (value := read(row)) is not None]
    if len(seeds) < 3:
        return None
    mean, spread = statistics.mean(seeds), statistics.stdev(seeds)
    half = float(student.ppf((1 + _SURE) / 2, len(seeds) - 1)) * spread * math.sqrt(1 + 1 / len(seeds))
    return mean - half, mean + half


def _means() -> list[tuple[str, Read, str]]:
    return [
        *((f"{column}, {kind}", _mean(column, kind), ".4f") for column, kind in KINDS),
        ("features explained", lambda row: row["figures"]["feature_explained"], ".3f"),
        ("PSNR dB", lambda row: row["figures"]["picture_psnr_db"], ".1f"),
        ("GFLOP", lambda row: row["gflop"], ".2f"),
        ("ms", lambda row: row["ms"], ".1f"),
    ]


def _mean(column: str, kind: str) -> Read:
    def read(row: Numbers) -> float | None:
        values = [judged[column][kind] for judged in row["sets"].values() if judged[column][kind] is not None]
        return statistics.mean(values) if values else None

    return read


def _of_set(name: str) -> list[tuple[str, Read, str]]:
    return [(f"{column}, {kind}", _single(name, column, kind), ".3f") for column, kind in KINDS]


def _single(name: str, column: str, kind: str) -> Read:
    def read(row: Numbers) -> float | None:
        value: float | None = row["sets"][name][column][kind]
        return value

    return read


def _block(rows: Sequence[Numbers], columns: Sequence[tuple[str, Read, str]]) -> str:
    there = [column for column in columns if any(column[1](row) is not None for row in rows)]
    intervals = [None if name in COSTS else chance(rows, read) for name, read, _ in there]
    lines = [["row", *(name for name, _, _ in there)], ["---"] * (len(there) + 1)]
    if any(intervals):
        spans = zip(intervals, there, strict=True)
        lines.append(
            ["*chance*", *("" if one is None else f"{one[0]:{form}}..{one[1]:{form}}" for one, (_, _, form) in spans)]
        )
    for row in rows:
        cells = [_cell(read(row), form, one) for (_, read, form), one in zip(there, intervals, strict=True)]
        lines.append([row["row"], *cells])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: float | None, form: str, interval: tuple[float, float] | None) -> str:
    if value is None:
        return ""
    told = f"{value:{form}}"
    return told if interval is None or interval[0] <= value <= interval[1] else f"**{told}**"
