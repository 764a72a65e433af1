"""Tells a change of light all over the picture from something that comes into it.

A lamp, a cloud, the camera's exposure or its switch to infrared change most of the picture within a second and leave
its edges where they are. A lorry in front of the camera changes as much, and brings edges of its own.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np

from engines.contract import Floats, Pixels
from engines.zoning import Cells, Hidden, of_seen, seen_blocks

SIDE: Final = 64
"""Pictures are compared at this size,"""
_BLOCKS: Final = 16
"""on so many blocks a side."""
_SPAN_S: Final = 1.0
"""A frame is compared with the one this long before."""
_STEP_S: Final = 0.15
_LEAST: Final = 0.04
"""A block's brightness has changed if by more than this share: twice what noise and compression do."""
_DARK: Final = np.float32(8.0)
"""Grey levels added before shares are taken, since in the dark noise alone is a large share."""
_MOST: Final = 0.6
"""Share of the blocks that must have changed."""
_MUCH: Final = 0.25
"""Share of the blocks that change otherwise than the rest, from which nothing can be said of motion across a step. What
changes alike all over, as when the camera's exposure follows the light, the search for motion does not mind."""
_TEXTURED: Final = 2.0
"""Standard deviation, grey levels, from which a block has edges to compare."""
_ALIKE: Final = 0.5
"""Median correlation of the blocks' insides from which their edges have stayed."""
_EVERY: Final = slice(None)


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    time_s: float
    grey: Floats
    """float32 [SIDE, SIDE]."""
    logs: Floats
    """float32 [_BLOCKS, _BLOCKS]: logarithm of each block's brightness."""


@dataclass(slots=True)
class LightWatch:
    """Watches the light of one camera."""

    jolted: bool = False
    """Whether the light has just changed so fast that displacements across the change mean nothing."""
    seen: Cells | None = None
    """bool [_BLOCKS * _BLOCKS]: the blocks that tell of the light; None for all."""
    _kept: deque[_Look] = field(default_factory=deque, init=False)

    def observe(self, time_s: float, pixels: Pixels) -> bool:
        """Take in a frame, uint8 [H, W, 3]; whether the light is changing all over the picture."""
        now = _look(time_s, pixels)
        while len(self._kept) > 1 and time_s - self._kept[1].time_s >= _SPAN_S:
            self._kept.popleft()
        changing = self.jolted = False
        if self._kept and time_s > self._kept[-1].time_s:
            changing = _changed(now, self._kept[0], self.seen)
            step = of_seen((now.logs - self._kept[-1].logs).ravel(), self.seen)
            self.jolted = changing and _unevenly(step)
        if not self._kept or not 0 <= time_s - self._kept[-1].time_s < _STEP_S or changing:
            self._kept.append(now)
        return changing

    def hide(self, hidden: Hidden | None) -> None:
        """Go by what of the picture is seen."""
        self.seen = seen_blocks(hidden, _BLOCKS)

    def hold(self, until_s: float) -> None:
        """Take in that the last frame was there until this time."""
        if self._kept and until_s > self._kept[-1].time_s:
            last = self._kept[-1]
            self._kept.clear()
            self._kept.append(_Look(until_s, last.grey, last.logs))

    def forget(self) -> None:
        """Begin anew."""
        self._kept.clear()
        self.jolted = False


def shrunk(pixels: Pixels) -> Pixels:
    """A frame, uint8 [H, W, 3], at the size that it is watched at."""
    if pixels.shape[:2] == (SIDE, SIDE):
        return pixels
    return np.asarray(cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _look(time_s: float, pixels: Pixels) -> _Look:
    grey = np.asarray(cv2.cvtColor(shrunk(pixels), cv2.COLOR_RGB2GRAY), np.float32)
    blocks = np.asarray(cv2.resize(grey, (_BLOCKS, _BLOCKS), interpolation=cv2.INTER_AREA), np.float32)
    return _Look(time_s, grey, np.asarray(np.log(blocks + _DARK), np.float32))


def _changed(now: _Look, before: _Look, seen: Cells | None) -> bool:
    """Whether most of what is seen of the picture is brighter or darker than before, and still the same place."""
    blocks = _EVERY if seen is None else seen
    share = float(np.mean((np.abs(now.logs - before.logs) > _LEAST).ravel()[blocks]))
    return share >= _MOST and _alike(_insides(now.grey)[blocks], _insides(before.grey)[blocks])


def _unevenly(step: Floats) -> bool:
    """Whether many of the blocks' changes in a step, [n], are unlike the common one."""
    return float(np.mean(np.abs(step - np.median(step)) > _LEAST)) > _MUCH


def _alike(first: Floats, second: Floats) -> bool:
    """Whether the edges inside of blocks [n, pixels] have stayed; without any to compare, they have."""
    first_size, second_size = first.std(axis=1), second.std(axis=1)
    textured = np.minimum(first_size, second_size) > _TEXTURED
    if textured.mean() < 0.05:
        return True
    alike = (first * second).mean(axis=1)[textured] / (first_size * second_size)[textured]
    return float(np.median(alike)) > _ALIKE


def _insides(grey: Floats) -> Floats:
    """Each block's pixels less their mean: float32 [_BLOCKS ** 2, n]."""
    side = SIDE // _BLOCKS
    blocks = grey.reshape(_BLOCKS, side, _BLOCKS, side).transpose(0, 2, 1, 3).reshape(_BLOCKS**2, -1)
    return np.asarray(blocks - blocks.mean(axis=1, keepdims=True), np.float32)
