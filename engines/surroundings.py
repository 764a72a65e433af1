"""What a frame is seen in: the camera's regime, whether that was enrolled, and whether the light is changing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from engines.contract import Floats, Pixels, Regime, Situation
from engines.light import BLOCKS, Light, blocks_of
from engines.regime import RegimeWatch, faint_of
from engines.shrinking import shrink
from engines.transition import LightWatch
from engines.zoning import Cells, Hidden, of_seen, seen_blocks

_SWITCHES_S: Final = 1.0
"""After a regime has begun the camera's exposure takes so long to be that of the regime."""
_UNKNOWN_S: Final = 2.0
"""The same of one that was never enrolled: so much of it tells what of it is strange by itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What is known of a frame before it is judged."""

    situation: Situation
    standard: Regime
    """The enrolled regime that the frame is judged by."""
    jolted: bool
    """Motion means nothing across this frame."""
    switching: bool
    """The picture is of no regime: one goes and another comes."""
    begins: bool
    """Appearance is compared with another standard, or in another regime, than that of the frame before."""
    blocks: Floats | None = None
    """`light.blocks_of` the frame, where somebody has looked."""


class Surroundings:
    """Follows one camera's light and regime; looks at nothing that is yet to come."""

    def __init__(self, lights: Mapping[Regime, Light | None]) -> None:
        """`lights` has an entry for each enrolled regime, the one that most is known of first."""
        self._enrolled = tuple(lights)
        self._light, self._regime = LightWatch(), RegimeWatch()
        self._day = lights.get("day")
        self._seen: Cells | None = None
        self._last: Regime | None = None
        self._until_s = -math.inf
        self.hide(None)

    def hide(self, hidden: Hidden | None) -> None:
        """Go by what of the picture is seen, from the next frame on."""
        self._light.hide(hidden)
        self._seen = seen_blocks(hidden, BLOCKS)
        if self._day is not None:
            self._regime.faint = faint_of(of_seen(self._day.usual, self._seen))

    def observe(self, time_s: float, pixels: Pixels) -> Seen:
        """Take in a frame, uint8 [H, W, 3]."""
        small, blocks = shrink(pixels)
        regime = self._regime.observe(time_s, of_seen(blocks_of(small), self._seen))
        changing = self._light.observe(time_s, small)
        enrolled = regime in self._enrolled
        begins = regime != self._last and not (self._last is None and enrolled)
        if begins:
            self._until_s = time_s + (_SWITCHES_S if enrolled else _UNKNOWN_S)
        self._last = regime
        switching = time_s < self._until_s or self._regime.wavers
        changing = changing or switching
        standard = regime if enrolled else self._enrolled[0]
        return Seen(Situation(regime, enrolled, changing), standard, self._light.jolted, switching, begins, blocks)

    def hold(self, until_s: float) -> None:
        """Take in that the last frame was there until this time."""
        self._light.hold(until_s)

    def forget(self) -> None:
        """Begin anew, as after an outage."""
        self._light.forget()
        self._regime.forget()
        self._last, self._until_s = None, -math.inf
