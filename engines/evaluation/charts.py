"""Plots as inline SVG. Colours come from the page's style sheet, so that they follow light and dark."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engines.evaluation.alarms import Event
from engines.evaluation.figures import Points
from engines.evaluation.page import Html, tag

_MOST: Final = 900
"""Points of a series that are drawn."""
_STEEP: Final = 6.0
"""From so many times the threshold on scores are drawn on a logarithmic scale."""
_DECADES: Final = (0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000)


@dataclass(frozen=True, slots=True)
class Line:
    """A curve with its name and the number of its colour."""

    name: str
    points: Points
    colour: int = 1


@dataclass(frozen=True, slots=True)
class Axes:
    """A plot's frame in data units."""

    x_name: str
    y_name: str
    x_most: float = 1.0
    y_most: float = 1.0


@dataclass(frozen=True, slots=True)
class _Frame:
    """From data to pixels."""

    left: float
    top: float
    width: float
    height: float
    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def x(self, value: float) -> float:
        return self.left + self.width * (value - self.x_low) / max(self.x_high - self.x_low, 1e-9)

    def y(self, value: float) -> float:
        return self.top + self.height * (1 - (value - self.y_low) / max(self.y_high - self.y_low, 1e-9))

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)


def curve_chart(title: str, lines: Sequence[Line], axes: Axes, *, diagonal: bool = False) -> Html:
    """A square plot of curves over 0..x_most."""
    frame = _Frame(44, 12, 246, 216, 0, axes.x_most, 0, axes.y_most)
    drawn = [*_grid(frame, axes)]
    if diagonal:
        drawn.append(_line(frame, (0, 0), (axes.x_most, axes.y_most), "chance"))
    for line in lines:
        inside = [(x, y) for x, y in line.points if x <= axes.x_most * 1.0001]
        if last := next(((x, y) for x, y in line.points if x > axes.x_most), None):
            before = inside[-1]
            part = (axes.x_most - before[0]) / (last[0] - before[0])
            inside.append((axes.x_most, before[1] + part * (last[1] - before[1])))
        elif inside:
            inside.append((axes.x_most, inside[-1][1]))
        drawn.append(tag("polyline", points=frame.path(inside), class_=f"line c{line.colour}"))
    svg = tag("svg", *drawn, viewBox="0 0 300 272", role="img", aria_label=title)
    return tag("figure", tag("figcaption", title), svg, _legend(lines), class_="chart")


def _legend(lines: Sequence[Line]) -> Html:
    items = [tag("span", tag("i", class_=f"c{one.colour}"), one.name) for one in lines if one.name]
    return tag("div", *items, class_="legend")


def _grid(frame: _Frame, axes: Axes) -> list[Html]:
    drawn = []
    for value in _ticks(0, axes.x_most):
        drawn.append(_line(frame, (value, 0), (value, axes.y_most), "grid"))
        drawn.append(tag("text", f"{value:g}", x=frame.x(value), y=frame.top + frame.height + 15, class_="tick middle"))
    for value in _ticks(0, axes.y_most):
        drawn.append(_line(frame, (0, value), (axes.x_most, value), "grid"))
        drawn.append(tag("text", f"{value:g}", x=frame.left - 6, y=frame.y(value) + 4, class_="tick end"))
    middle = frame.left + frame.width / 2
    drawn.append(tag("text", axes.x_name, x=middle, y=frame.top + frame.height + 34, class_="name middle"))
    x, y = 11, frame.top + frame.height / 2
    turn = f"rotate(-90 {x} {y:.0f})"
    drawn.append(tag("text", axes.y_name, x=x, y=y, transform=turn, class_="name middle"))
    return drawn


def _line(frame: _Frame, start: tuple[float, float], end: tuple[float, float], kind: str) -> Html:
    return tag("line", x1=frame.x(start[0]), y1=frame.y(start[1]), x2=frame.x(end[0]), y2=frame.y(end[1]), class_=kind)


def _ticks(low: float, high: float, about: int = 5) -> list[float]:
    raw = max(high - low, 1e-9) / about
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * each for each in (1, 2, 2.5, 5, 10) if power * each >= raw * 0.99)
    first = math.ceil(low / step - 1e-9)
    return [round(step * number, 10) for number in range(first, math.floor(high / step + 1e-9) + 1)]


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """A clip's scores over time."""

    times_s: NDArray[np.float64]
    scores: NDArray[np.float64]
    state: NDArray[np.int8]
    """1 abnormal, 0 normal, -1 not judged."""
    threshold: float
    events: Sequence[Event]
    false: Sequence[Event]
    still: bool


def timeline(shown: Timeline, width: int = 1000) -> Html:
    """Score over time: truth shaded, threshold dashed, events as bars below, false alarms in red."""
    times, scores = shown.times_s, np.nan_to_num(shown.scores, nan=0.0)
    low, high = min(0.0, float(scores.min())), max(float(scores.max()), shown.threshold) * 1.08
    # Far above the threshold only the order of magnitude counts; what lies near it must stay in sight.
    steep = shown.threshold > 0 and high > _STEEP * shown.threshold
    ends = (_squeeze(low), _squeeze(high)) if steep else (low, high)
    frame = _Frame(36, 8, width - 44, 120, float(times[0]), max(float(times[-1]), float(times[0]) + 1e-6), *ends)
    levels = [one for one in _DECADES if one <= high] if steep else _ticks(low, high, 3)
    threshold = _squeeze(shown.threshold) if steep else shown.threshold
    scores = _squeeze(scores) if steep else scores
    drawn = [_band(frame, first, last, kind) for kind, first, last in _bands(shown)]
    drawn += [
        tag(
            "text",
            f"{value:g}",
            x=frame.left - 6,
            y=frame.y(_squeeze(value) if steep else value) + 4,
            class_="tick end",
        )
        for value in levels
    ]
    drawn += [
        tag("text", f"{value:g}", x=frame.x(value), y=frame.top + frame.height + 24, class_="tick middle")
        for value in _ticks(frame.x_low, frame.x_high, width // 100)
    ]
    drawn += _curve(frame, times, scores, still=shown.still)
    drawn.append(_line(frame, (frame.x_low, threshold), (frame.x_high, threshold), "threshold"))
    if not shown.still:
        drawn += [_bar(frame, event, false=event in shown.false) for event in shown.events]
    unit = "picture" if shown.still else "seconds"
    right = frame.left + frame.width
    drawn.append(tag("text", unit, x=right, y=frame.top + frame.height + 38, class_="name end"))
    return tag("svg", *drawn, viewBox=f"0 0 {width} 168", role="img", aria_label="score over time", class_="timeline")


def _squeeze(score: Any) -> Any:
    """Logarithmic above one, nearly straight about nought; keeps signs."""
    return np.sign(score) * np.log1p(np.abs(score))


def _curve(frame: _Frame, times: NDArray[np.float64], scores: NDArray[np.float64], *, still: bool) -> list[Html]:
    if still:
        points = zip(times, scores, strict=True)
        return [tag("circle", cx=frame.x(x), cy=frame.y(y), r=1.8, class_="dot") for x, y in points]
    return [tag("polyline", points=frame.path(_thin(times, scores)), class_="line c1 fine")]


def _thin(x: NDArray[np.float64], y: NDArray[np.float64]) -> list[tuple[float, float]]:
    """The highest and the lowest score of each stretch, so that no peak is lost."""
    each = math.ceil(2 * len(x) / _MOST)
    if each <= 2:
        return list(zip(x.tolist(), y.tolist(), strict=True))
    kept = []
    for start in range(0, len(x), each):
        part = y[start : start + each]
        kept += sorted({start + int(part.argmin()), start + int(part.argmax())})
    return [(float(x[i]), float(y[i])) for i in kept]


def _bands(shown: Timeline) -> list[tuple[str, float, float]]:
    """Runs of frames that are abnormal, or that nobody judged, half a step wider on both sides."""
    state, times = shown.state, shown.times_s
    half = float(np.median(np.diff(times))) / 2 if len(times) > 1 else 0.5
    edges = [0, *(np.flatnonzero(np.diff(state)) + 1).tolist(), len(state)]
    runs = itertools.pairwise(edges)
    return [
        ("truth" if state[a] == 1 else "unjudged", float(times[a]) - half, float(times[b - 1]) + half)
        for a, b in runs
        if b > a and state[a] != 0
    ]


def _band(frame: _Frame, first: float, last: float, kind: str) -> Html:
    left, right = max(frame.x(first), frame.left), min(frame.x(last), frame.left + frame.width)
    return tag("rect", x=left, y=frame.top, width=max(right - left, 0.8), height=frame.height, class_=kind)


def _bar(frame: _Frame, event: Event, *, false: bool) -> Html:
    width = max(frame.x(event.ended_s) - frame.x(event.began_s), 2.0)
    y = frame.top + frame.height + 3
    return tag("rect", x=frame.x(event.began_s), y=y, width=width, height=5, class_="alarm false" if false else "alarm")
