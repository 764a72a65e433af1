"""What moves, how far and which way, at each place of the picture.

Bodies travel while limbs swing, so motion is the net displacement over some tenths of a second, not from one
frame to the next. It is a signal by the clock: any frame rate works that has a frame near the interval.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.contract import Floats, Pixels

CELLS: Final = 64
"""The motion field is CELLS x CELLS, whatever the picture's size."""
INTERVAL_S: Final = 0.4
"""Displacements are over this time."""
_NEAREST_S: Final = 0.15
_FURTHEST_S: Final = 1.25
"""A frame of this age or younger can still be compared with; the displacement is scaled to the interval."""
_SIZE: Final = 256
_SPACING_S: Final = 0.03
"""Frames closer than this to the last one kept need not be kept, which bounds the history at high frame rates."""

Grey = NDArray[np.uint8]


class MotionHistory:
    """The last frames of one camera, and the motion since then."""

    def __init__(self) -> None:
        self._frames: deque[tuple[float, Grey]] = deque()
        self._flow = _dense_flow()

    def forget(self) -> None:
        """Drop all frames: what comes next is not a continuation."""
        self._frames.clear()

    def observe(self, time_s: float, pixels: Pixels) -> Floats | None:
        """Take in a frame, uint8 [H, W, 3] RGB, and return its motion.

        The result is float32 [CELLS, CELLS, 2]: the displacement (right, down) over INTERVAL_S, in pixels of a
        256 x 256 picture, of what is now at each cell. None when no frame is about that old.
        """
        if self._frames and time_s <= self._frames[-1][0]:
            self.forget()
        grey = _grey(pixels)
        before = self._nearest(time_s)
        self._keep(time_s, grey)
        if before is None:
            return None
        then_s, then = before
        # The field is anchored at the current frame, hence the flow from now to then, turned round.
        flow = self._flow.calc(grey, then, None)  # type: ignore[call-overload]  # an array would be a first guess
        step = _SIZE // CELLS
        means = cv2.resize(flow, (CELLS, CELLS), interpolation=cv2.INTER_AREA) if step > 1 else flow
        return np.asarray(means * np.float32(-INTERVAL_S / (time_s - then_s)), np.float32)

    def _nearest(self, time_s: float) -> tuple[float, Grey] | None:
        able = [frame for frame in self._frames if _NEAREST_S <= time_s - frame[0] <= _FURTHEST_S]
        return min(able, key=lambda frame: abs(time_s - frame[0] - INTERVAL_S), default=None)

    def _keep(self, time_s: float, grey: Grey) -> None:
        while self._frames and time_s - self._frames[0][0] > _FURTHEST_S:
            self._frames.popleft()
        if not self._frames or time_s - self._frames[-1][0] >= _SPACING_S:
            self._frames.append((time_s, grey))


def directions(field: Floats) -> Floats:
    """Split displacements [..., 2] into their parts to the right, left, down and up: float32 [..., 4], all >= 0."""
    parts = np.empty((*field.shape[:-1], 4), np.float32)
    np.maximum(field[..., 0], 0, out=parts[..., 0])
    np.maximum(-field[..., 0], 0, out=parts[..., 1])
    np.maximum(field[..., 1], 0, out=parts[..., 2])
    np.maximum(-field[..., 1], 0, out=parts[..., 3])
    return parts


def _dense_flow() -> cv2.DISOpticalFlow:
    """Dense inverse search (Kroeger et al., ECCV 2016) without its variational refinement.

    The refinement costs as much as the search and smears motion across edges: measured, it makes detection worse.
    """
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow.setVariationalRefinementIterations(0)
    flow.setPatchStride(4)
    flow.setGradientDescentIterations(16)
    return flow


def _grey(pixels: Pixels) -> Grey:
    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    if grey.shape != (_SIZE, _SIZE):
        grey = cv2.resize(grey, (_SIZE, _SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.uint8)
