"""Sorts footage by regime as it comes, so that each regime is learnt from its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from engines.contract import Pixels, Regime
from engines.footage import Footage
from engines.light import BLOCKS, blocks_of
from engines.regime import RegimeWatch
from engines.zoning import Hidden, of_seen, seen_blocks

_SETTLES_S: Final = 2.0
"""After a switch the camera's exposure takes so long: what it shows meanwhile is of neither regime."""


class SortedFootage:
    """Footage by regime. Footage of one regime alone is kept as if it had not been sorted."""

    def __init__(self, make: Callable[[], Footage], hidden: Hidden | None = None) -> None:
        """`make` makes room for a regime's frames; `hidden` is what privacy masks hide of all of them."""
        self._seen = seen_blocks(hidden, BLOCKS)
        self._make = make
        self._watch = RegimeWatch()
        self._source, self._still = "", False
        self._sha256: str | None = None
        self._begun: set[Regime] = set()
        self._waiting: list[tuple[float, Pixels]] = []
        self._last: Regime | None = None
        self._from_s = 0.0
        self.parts: dict[Regime, Footage] = {}
        self.digests: dict[Regime, list[str | None]] = {}
        """Of the sources of each part."""

    def begin(self, source: str, *, still: bool, sha256: str | None) -> None:
        """Begin a stretch; unrelated pictures have one regime."""
        self._keep_waiting()
        self._source, self._still, self._sha256 = source, still, sha256
        self._begun.clear()
        self._watch.forget()
        self._last = None

    def add(self, time_s: float, pixels: Pixels) -> None:
        """Take in a frame, uint8 [H, W, 3]."""
        if self._still:
            self._part("day").add(time_s, pixels)
            return
        regime = self._watch.observe(time_s, of_seen(blocks_of(pixels), self._seen))
        if self._last is not None and regime != self._last:
            self._waiting.clear()
            self._from_s = time_s + _SETTLES_S
        elif self._last is None:
            self._from_s = time_s
        self._last = regime
        if self._watch.wavers:
            self._waiting.append((time_s, pixels.copy()))
            return
        self._keep_waiting()
        if time_s >= self._from_s:
            self._part(regime).add(time_s, pixels)

    def by_length(self) -> list[tuple[Regime, Footage]]:
        """The parts, the longest first."""
        self._keep_waiting()
        return sorted(self.parts.items(), key=lambda part: -sum(part[1].counts))

    def close(self) -> None:
        """Release all that is kept."""
        for part in self.parts.values():
            part.close()

    def _keep_waiting(self) -> None:
        """Frames that looked like another regime, but it did not last."""
        waiting, self._waiting = self._waiting, []
        for time_s, pixels in waiting:
            if self._last is not None and time_s >= self._from_s:
                self._part(self._last).add(time_s, pixels)

    def _part(self, regime: Regime) -> Footage:
        if regime not in self.parts:
            self.parts[regime], self.digests[regime] = self._make(), []
        if regime not in self._begun:
            self._begun.add(regime)
            self.parts[regime].begin(self._source, still=self._still)
            self.digests[regime].append(self._sha256)
        return self.parts[regime]
