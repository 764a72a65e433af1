"""Verdicts made by hand, for the tests of what happens to them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from engines.contract import Floats, Maps, Pixels, Signal
from pipelines.types import Frame, Verdict

SECOND = 1_000_000_000


def street(width: int = 320, height: int = 180) -> Pixels:
    """A grey gradient with a bright block: enough to see that pixels arrive where they should."""
    column = np.linspace(40, 200, height, dtype=np.uint8)[:, None, None]
    picture = np.repeat(np.repeat(column, width, axis=1), 3, axis=2)
    picture[height // 3 : height // 2, width // 4 : width // 2] = (250, 240, 10)
    return np.ascontiguousarray(picture)


def hot_map(peak: float, *, rest: float = 0.2, size: int = 32) -> Floats:
    """float32 [size, size], `peak` in a block of 6 x 4 places whose upper left is (8, 10)."""
    places = np.full((size, size), rest, np.float32)
    places[10:14, 8:14] = peak
    return places


@dataclass
class Camera:
    """Makes a camera's verdicts one after the other on a clock of its own."""

    name: str = "yard"
    period_s: float = 0.2
    threshold: float = 3.0
    size: tuple[int, int] = (320, 180)
    now_ns: int = field(default_factory=time.monotonic_ns)
    wall_s: float = field(default_factory=time.time)
    seq: int = 0

    def verdict(self, score: float, *, after_s: float | None = None, uncertainty: float = 0.25) -> Verdict:
        """The next frame's verdict, `after_s` (default: the camera's period) after the one before."""
        step = self.period_s if after_s is None else after_s
        self.now_ns += round(step * SECOND)
        self.wall_s += step
        self.seq += 1
        places = hot_map(score)
        signals: dict[Signal, float] = {
            "appearance-latent": score * 0.4,
            "appearance-reconstruction": score * 0.3,
            "motion": score,
        }
        return Verdict(
            frame=self._frame(),
            score=score,
            threshold=self.threshold,
            uncertainty=uncertainty,
            maps=Maps.of(places, {name: places * np.float32(value / (score or 1)) for name, value in signals.items()}),
            signals=signals,
            taken_ns=self.now_ns + SECOND // 500,
            judged_ns=self.now_ns + SECOND // 100,
        )

    def _frame(self) -> Frame:
        return Frame(
            camera=self.name,
            seq=self.seq,
            pixels=np.zeros((256, 256, 3), np.uint8),
            captured_ns=self.now_ns,
            time_s=self.now_ns / SECOND,
            wall_s=self.wall_s,
            picture=lambda: street(*self.size),
        )
