"""How long a picture has repeated itself: a sensor's noise differs from frame to frame, a frozen picture does not."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]

_SAME: Final = 0.02
"""Grey levels: two frames that differ by less are the same picture."""
_SAME_AGAIN: Final = 0.06
"""A key frame codes the same picture anew, a little differently."""
_ANCHORS: Final = 5
_ACROSS: Final = 16
_CALM: Final = 230
"""Of _ACROSS x _ACROSS blocks, those that count, the calmest: a clock in the picture goes on in one that is frozen."""


@dataclass(slots=True)
class Stillness:
    """Follows one camera's frames."""

    _last: Codes | None = None
    _since_s: float = 0.0
    _anchors: deque[Codes] = field(default_factory=lambda: deque(maxlen=_ANCHORS))
    """The latest pictures that were new: what is frozen is coded in as many ways as there are frames to a key frame."""

    def step(self, time_s: float, grey: Codes) -> float:
        """Take in a frame, uint8 [H, W]; returns for how long, seconds, the same picture has come."""
        last, self._last = self._last, grey
        if last is None or last.shape != grey.shape:
            self._anchors.clear()
        if not self._repeats(last, grey):
            self._since_s = time_s
            self._anchors.append(grey)
        return time_s - self._since_s

    def forget(self) -> None:
        """Begin anew."""
        self._last = None

    def _repeats(self, last: Codes | None, grey: Codes) -> bool:
        if not self._anchors or last is None:
            return False
        if stir(last, grey) <= _SAME:
            return True
        return any(stir(anchor, grey) <= _SAME_AGAIN for anchor in self._anchors)


def stir(one: Codes, other: Codes) -> float:
    """How much two frames, uint8 [H, W], differ where they differ least: mean grey levels of the calmer blocks."""
    difference = cv2.absdiff(one, other)
    blocks = cv2.resize(difference.astype(np.float32), (_ACROSS, _ACROSS), interpolation=cv2.INTER_AREA).ravel()
    return float(np.partition(blocks, _CALM)[:_CALM].mean())
