"""The strip below an overlay that says in words what the picture shows.

It is laid under the picture, not over it: no pixel of the scene is hidden, and the text is legible whatever the scene.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TypeAlias

import cv2
import numpy as np

from engines.contract import Pixels, Signal
from pipelines.types import Phase, Verdict

Colour: TypeAlias = tuple[int, int, int]
"""Blue, green, red: OpenCV's order."""

SIGNAL_NAMES: dict[Signal, str] = {
    "appearance-latent": "appearance",
    "appearance-reconstruction": "reconstruction",
    "motion": "motion",
}
"""Short names for people."""
SIGNAL_COLOURS: dict[Signal, Colour] = {
    "appearance-latent": (92, 92, 255),
    "appearance-reconstruction": (255, 120, 214),
    "motion": (40, 190, 255),
}
PHASE_COLOURS: dict[Phase, Colour] = {"begin": (76, 76, 255), "update": (40, 170, 255), "end": (150, 200, 110)}
INK: Colour = (20, 17, 14)
PAPER: Colour = (250, 248, 246)
_QUIET: Colour = (160, 154, 148)
_TRACK: Colour = (66, 60, 56)
_REGULAR, _BOLD = 400, 650


def text_size(width: int, height: int) -> int:
    """Pixels of the text's em: grows with the picture, more slowly than it, and stays legible on the smallest."""
    return int(8.5 + min(width, height * 16 / 9) / 100 + 0.5)


class Lettering:
    """Antialiased text of any script, in OpenCV's own outline font. Belongs to one thread."""

    def __init__(self) -> None:
        self._face = cv2.FontFace("sans")

    def width(self, text: str, size: int, weight: int = _REGULAR) -> int:
        """Pixels from the text's left edge to its right one."""
        left, _, width, _ = cv2.getTextSize((1, 1), text, (0, 0), self._face, size, weight)
        return int(left + width)

    def draw(self, canvas: Pixels, text: str, at: tuple[int, int], colour: Colour, size: int, weight: int) -> None:
        """Write on a uint8 [H, W, 3] BGR canvas; `at` is the left end of the baseline."""
        cv2.putText(canvas, text, at, colour, self._face, size, weight)

    def fit(self, text: str, room: int, size: int, weight: int = _REGULAR) -> str:
        """The text, cut short with an ellipsis if it is wider than `room` pixels."""
        if self.width(text, size, weight) <= room:
            return text
        while text and self.width(text + "…", size, weight) > room:
            text = text[:-1]
        return text + "…"


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a line."""

    text: str
    colour: Colour
    weight: int = _REGULAR
    filled: bool = False
    """Dark text on a plate of the colour, instead of text in the colour."""


class Caption:
    """Writes the strip: a gauge of score against threshold, then camera, time, score and signals."""

    def __init__(self, lettering: Lettering, zone: tzinfo | None = None) -> None:
        self._lettering = lettering
        self._zone = zone

    def strip(self, verdict: Verdict, phase: Phase | None, width: int, size: int) -> Pixels:
        """A uint8 [h, width, 3] BGR picture; h depends on how many lines the text takes at this width.

        Without a phase the frame is shown on its own, not as a step of an event.
        """
        margin, narrow = round(size * 0.6), width < 20 * size
        mark = _mark(verdict, phase)
        parts = self._who(verdict, mark, narrow=narrow), _what(verdict, narrow=narrow)
        lines = [line for row in parts for line in self._flow(row, width - 2 * margin, size)]
        gauge, pitch = max(3, size // 3), round(size * 1.5)
        height = gauge + margin + pitch * len(lines) + margin // 3
        strip = np.full((height, width, 3), INK, np.uint8)
        _draw_gauge(strip[:gauge], verdict, mark.colour)
        for number, line in enumerate(lines):
            self._write(strip, line, (margin, gauge + margin + pitch * number), size)
        return strip

    def _who(self, verdict: Verdict, mark: _Part, *, narrow: bool) -> list[_Part]:
        taken = datetime.fromtimestamp(verdict.frame.wall_s, self._zone).astimezone(self._zone)
        tenths = "" if narrow else f".{taken.microsecond // 100_000}"
        return [
            mark,
            _Part(verdict.frame.camera, PAPER, _BOLD),
            _Part(f"{taken:%Y-%m-%d %H:%M:%S}{tenths} {taken:%Z}", _QUIET),
        ]

    def _flow(self, parts: Sequence[_Part], room: int, size: int) -> list[list[_Part]]:
        """Break parts into lines no wider than `room`."""
        lines: list[list[_Part]] = []
        left = 0
        for part in parts:
            text = self._lettering.fit(part.text, room - (size if part.filled else 0), size, part.weight)
            part = _Part(text, part.colour, part.weight, part.filled)  # noqa: PLW2901 - the same part, cut to fit
            needed = self._extent(part, size)
            if not lines or needed > left:
                lines.append([])
                left = room
            lines[-1].append(part)
            left -= needed + size
        return lines

    def _extent(self, part: _Part, size: int) -> int:
        return self._lettering.width(part.text, size, part.weight) + (size if part.filled else 0)

    def _write(self, strip: Pixels, line: Sequence[_Part], at: tuple[int, int], size: int) -> None:
        """Draw one line; `at` is its upper left corner."""
        x, top = at
        for part in line:
            extent, colour, indent = self._extent(part, size), part.colour, 0
            if part.filled:
                draw_plate(strip, (x, top, extent, round(size * 1.3)), part.colour)
                colour, indent = INK, size // 2
            self._lettering.draw(strip, part.text, (x + indent, top + size), colour, size, part.weight)
            x += extent + size


def _mark(verdict: Verdict, phase: Phase | None) -> _Part:
    """What the frame is: a step of an event or, outside one, flagged or not."""
    if phase is not None:
        return _Part(phase.upper(), PHASE_COLOURS[phase], _BOLD, filled=True)
    if verdict.flagged:
        return _Part("FLAGGED", PHASE_COLOURS["begin"], _BOLD, filled=True)
    return _Part("NOT FLAGGED", _QUIET, _BOLD, filled=True)


def _what(verdict: Verdict, *, narrow: bool) -> list[_Part]:
    """Score against threshold, then the signals, strongest first: those that fired in their colour, others if room."""
    parts = [
        _Part(f"score {verdict.score:.1f} ± {verdict.uncertainty:.1f}", PAPER, _BOLD),
        _Part(f"threshold {verdict.threshold:.1f}", _QUIET),
    ]
    for signal, score in sorted(verdict.signals.items(), key=lambda pair: -pair[1]):
        text = f"{SIGNAL_NAMES[signal]} {score:.1f}"
        if score >= verdict.threshold:
            parts.append(_Part(text, SIGNAL_COLOURS[signal], _BOLD))
        elif not narrow:
            parts.append(_Part(text, _QUIET))
    return parts


def draw_plate(canvas: Pixels, box: tuple[int, int, int, int], colour: Colour) -> None:
    """Fill a box (left, top, width, height) with slightly rounded corners."""
    left, top, width, height = box
    radius = max(1, height // 6)
    inner = (left + radius, top + radius), (left + width - radius - 1, top + height - radius - 1)
    cv2.rectangle(canvas, *inner, colour, 2 * radius, cv2.LINE_AA)
    cv2.rectangle(canvas, *inner, colour, cv2.FILLED)


def _draw_gauge(track: Pixels, verdict: Verdict, colour: Colour) -> None:
    """Fill a uint8 [h, w, 3] bar up to the score, with a pale reach for its uncertainty and a tick at the threshold."""
    score, reach, width = min(verdict.score, 1e6), verdict.uncertainty, int(track.shape[1])
    full = max(2 * verdict.threshold, 1.2 * (score + reach), 1e-6)

    def column(value: float) -> int:
        return int(min(1.0, max(0.0, value / full)) * width)  # in this order NaN becomes 0

    pale = [(c + t) // 2 for c, t in zip(colour, _TRACK, strict=True)]
    track[:] = _TRACK
    track[:, : column(score + reach)] = pale
    track[:, : column(score - reach)] = colour
    tick, half = column(verdict.threshold), max(1, track.shape[0] // 3)
    track[:, max(0, tick - half) : tick + half] = PAPER
