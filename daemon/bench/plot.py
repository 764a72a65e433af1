"""A result's plots as one SVG picture that needs nothing else: no style sheet, no script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from daemon.bench.figures import Bars, Lines, Result
from engines.evaluation.page import Html, tag

_WIDE, _TALL, _GAP, _HEAD = 440.0, 300.0, 24.0, 56.0
_COLOURS: Final = ("#2563b0", "#c2571a", "#2f8f5b", "#7b4fb3", "#a8325e", "#5d6878")
_INK, _SOFT, _RULE, _PAPER = "#1c2430", "#5d6878", "#dfe3e9", "#ffffff"
_FONT: Final = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def draw(result: Result) -> str:
    """Every plot of the result, two in a row, under a line that says what, where and when."""
    columns = min(2, max(1, len(result.charts)))
    rows = math.ceil(len(result.charts) / columns)
    width = columns * (_WIDE + _GAP) + _GAP
    height = _HEAD + rows * (_TALL + _GAP)
    placed = [
        _placed(_chart(chart), _GAP + index % columns * (_WIDE + _GAP), _HEAD + index // columns * (_TALL + _GAP))
        for index, chart in enumerate(result.charts)
    ]
    machine = result.machine
    where = f"{machine.processor}, {machine.cores} cores, {result.made}{', quick' if result.quick else ''}"
    head = [
        tag("rect", x=0, y=0, width=width, height=height, fill=_PAPER),
        _text(f"vigil bench {result.bench}", _GAP, 24, bold=True),
        _text(where, _GAP, 42, colour=_SOFT),
    ]
    return tag(
        "svg",
        *head,
        *placed,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:g} {height:g}",
        font_family=_FONT,
    )


def _placed(parts: Sequence[Html], x: float, y: float) -> Html:
    return tag("g", *parts, transform=f"translate({x:g} {y:g})")


def _chart(chart: Lines | Bars) -> list[Html]:
    return _lines(chart) if isinstance(chart, Lines) else _bars(chart)


def _lines(chart: Lines) -> list[Html]:
    points = [point for one in chart.series for point in one.points if all(map(math.isfinite, point))]
    most_x, most_y = (max((point[axis] for point in points), default=1.0) * 1.05 or 1.0 for axis in (0, 1))
    left, top, wide, tall = 48.0, 26.0, _WIDE - 60, _TALL - 100

    def at(x: float, y: float) -> tuple[float, float]:
        return left + wide * x / most_x, top + tall * (1 - y / most_y)

    drawn = [_text(chart.title, 0, 12, bold=True)]
    for value in _ticks(most_y):
        drawn += [
            _rule(at(0, value), at(most_x, value)),
            _text(f"{value:g}", left - 6, at(0, value)[1] + 4, anchor="end"),
        ]
    for value in _ticks(most_x):
        drawn.append(_text(f"{value:g}", at(value, 0)[0], top + tall + 16, anchor="middle"))
    drawn.append(_text(f"{chart.y} over {chart.x}", left + wide, top + tall + 32, anchor="end", colour=_SOFT))
    for number, one in enumerate(chart.series):
        colour, there = _COLOURS[number % len(_COLOURS)], [p for p in one.points if all(map(math.isfinite, p))]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in there))
        drawn.append(tag("polyline", points=path, fill="none", stroke=colour, stroke_width=2))
        drawn += [tag("circle", cx=at(*point)[0], cy=at(*point)[1], r=2.6, fill=colour) for point in there]
        x, y = left + number % 2 * wide / 2, top + tall + 50 + number // 2 * 16
        drawn += [_text(one.name, x, y, colour=colour)] if one.name else []
    return drawn


def _bars(chart: Bars) -> list[Html]:
    items = [(name, value) for name, value in chart.items if math.isfinite(value)]
    most = max((value for _, value in items), default=1.0) or 1.0
    left, top, step = 190.0, 26.0, min(26.0, (_TALL - 34) / max(1, len(items)))
    drawn = [_text(f"{chart.title}, {chart.unit}", 0, 12, bold=True)]
    for number, (name, value) in enumerate(items):
        y, wide = top + number * step, max(1.0, (_WIDE - left - 60) * value / most)
        drawn += [
            _text(name, left - 8, y + step / 2 + 4, anchor="end"),
            tag("rect", x=left, y=y + 3, width=wide, height=step - 6, rx=2, fill=_COLOURS[0]),
            _text(f"{value:.3g}", left + wide + 6, y + step / 2 + 4, colour=_SOFT),
        ]
    return drawn


def _text(text: str, x: float, y: float, *, bold: bool = False, anchor: str = "start", colour: str = _INK) -> Html:
    weight = 600.0 if bold else None
    return tag("text", text, x=x, y=y, font_size=11.5, font_weight=weight, text_anchor=anchor, fill=colour)


def _rule(start: tuple[float, float], end: tuple[float, float]) -> Html:
    return tag("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], stroke=_RULE)


def _ticks(most: float, about: int = 5) -> list[float]:
    """Round numbers from 0 to `most`."""
    power = 10 ** math.floor(math.log10(most / about))
    step = next(power * each for each in (1, 2, 2.5, 5, 10) if power * each >= most / about * 0.99)
    return [round(step * number, 10) for number in range(math.floor(most / step + 1e-9) + 1)]
