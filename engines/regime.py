"""Which regime a camera is in: by day it sees colour, at night, in infrared, it sees none.

A camera has as many regimes as its footage holds. One that never shows colour has one, and stays in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from engines.contract import Floats, Regime

_COLOURFUL: Final = 0.95
"""A few coloured things are enough: the colour of this quantile of the blocks counts."""
_GREY: Final = 2.5 / 255
"""Below this there is no colour but what compression makes. Fog and concrete have more."""
_COLOURED: Final = 5.0 / 255
"""Above this there is colour; in between a camera stays in its regime."""
_DARK: Final = 12 / 255
"""A picture darker than this says nothing of colour."""
HOLD_S: Final = 0.5
"""A camera has changed its regime once it has looked so for this long."""


def colour_of(blocks: Floats) -> float:
    """How much colour there is, 0..1, in the blocks of a frame (see `light.blocks_of`): float32 [3, n]."""
    spread = blocks.max(axis=0) - blocks.min(axis=0)
    at = int(_COLOURFUL * len(spread))
    return float(np.partition(spread, at)[at])


def regime_of(usual: Floats | None) -> Regime:
    """The regime of a camera whose usual frame has these blocks, float32 [3, n]; None of unrelated pictures."""
    return "infrared" if usual is not None and colour_of(usual) < _GREY else "day"


@dataclass(slots=True)
class RegimeWatch:
    """Follows one camera's regime; looks at nothing that is yet to come."""

    regime: Regime | None = None
    """None until a frame has told."""
    faint: float = 1.0
    """How coloured the camera's day is, as a share of what is surely colour; see `faint_of`."""
    _since_s: float = field(default=math.inf, init=False)
    _before: Regime | None = field(default=None, init=False)

    @property
    def wavers(self) -> bool:
        """Whether the last frame looked like another regime than the one that the camera is still in."""
        return self._since_s < math.inf

    def observe(self, time_s: float, blocks: Floats) -> Regime:
        """Take in a frame's blocks, float32 [3, n], and say the regime."""
        looks = self._look(blocks)
        if self.regime is None:
            self.regime = looks or self._before or "day"
        elif looks is None or looks == self.regime:
            self._since_s = math.inf
        else:
            self._since_s = min(self._since_s, time_s)
            if time_s - self._since_s >= HOLD_S:
                self.regime, self._since_s = looks, math.inf
        return self.regime

    def forget(self) -> None:
        """What comes next is not a continuation: its first frame tells the regime."""
        self._before = self.regime or self._before
        self.regime, self._since_s = None, math.inf

    def _look(self, blocks: Floats) -> Regime | None:
        if float(blocks.mean()) < _DARK:
            return None
        colour = colour_of(blocks)
        if colour < _GREY * self.faint:
            return "infrared"
        return "day" if colour > _COLOURED * self.faint else None


def faint_of(usual: Floats) -> float:
    """The share by which what counts as colour is lowered for a camera whose usual day, blocks [3, n], has little."""
    return min(1.0, colour_of(usual) / (2 * _COLOURED))
