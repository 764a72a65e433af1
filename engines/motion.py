"""What moves, how far and which way, at each place of the picture.

Bodies travel while limbs swing, so motion is the net displacement over some tenths of a second. Flow is searched
over half of that and joined with the flow before it: over the whole time a runner gets further than he is wide, and
the search would lose him; from one frame to the next, limbs would count for more than bodies. It is a signal by the
clock: any frame rate works that has frames near the steps.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.contract import Floats, Pixels

CELLS: Final = 64
"""The motion field is CELLS x CELLS, whatever the picture's size."""
INTERVAL_S: Final = 0.4
"""Displacements are over this time."""
_STEP_S: Final = 0.2
"""Flow is searched over this time."""
_NEAREST_S: Final = 0.15
_FURTHEST_S: Final = 1.25
"""A frame of this age or younger can still be compared with; the displacement is scaled to the interval."""
_LONG_STEP_S: Final = 0.3
"""A step of this length is not joined with the one before: it is about the interval by itself."""
_SIZE: Final = 256
"""Displacements are in pixels of a picture of this size."""
_SEARCHED: Final = 128
"""Flow is searched in pictures of this size: the search goes no finer in larger ones."""
_SPACING_S: Final = 0.03
"""Frames closer than this to the last one kept need not be kept, which bounds the history at high frame rates."""

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    """A frame of the past, and the way back from it."""

    time_s: float
    grey: Grey
    back: Floats | None
    """float32 [CELLS, CELLS, 2]: displacement to the frame a step before, pixels."""
    step_s: float
    """How far back that is."""


class MotionHistory:
    """The last frames of one camera, and the motion since then."""

    def __init__(self) -> None:
        self._moments: deque[_Moment] = deque()
        self._flow: cv2.DISOpticalFlow | None = None

    def forget(self) -> None:
        """Drop all frames: what comes next is not a continuation."""
        self._moments.clear()

    def observe(self, time_s: float, pixels: Pixels, flow: cv2.DISOpticalFlow | None = None) -> Floats | None:
        """Take in a frame, uint8 [H, W, 3] RGB, and return its motion.

        It is searched for by `flow`, of `dense_flow`, which many cameras can share; without one, by one of its own.

        The result is float32 [CELLS, CELLS, 2]: the displacement (right, down) over INTERVAL_S, in pixels of a
        256 x 256 picture, of what is now at each cell. None while the history is too short.
        """
        if self._moments and time_s <= self._moments[-1].time_s:
            self.forget()
        grey = _grey(pixels)
        before = self._nearest(time_s)
        if before is None:
            self._keep(_Moment(time_s, grey, None, 0.0))
            return None
        # Fields are anchored at the later frame, hence flows from now to then.
        search = flow or self._own()
        found = search.calc(grey, before.grey, None)  # type: ignore[call-overload]  # an array is a first guess
        now = _Moment(time_s, grey, _of_cells(np.asarray(found, np.float32)), time_s - before.time_s)
        self._keep(now)
        return _displacement(now, before)

    def hold(self, until_s: float) -> None:
        """Take in that the last frame was there until this time: nothing moved."""
        if not self._moments:
            return
        still = np.zeros((CELLS, CELLS, 2), np.float32)
        for back_s in (2 * _STEP_S, 1.5 * _STEP_S, _STEP_S, 0.5 * _STEP_S, 0.0):
            last = self._moments[-1]
            if until_s - back_s > last.time_s:
                self._keep(_Moment(until_s - back_s, last.grey, still, _STEP_S))

    def _own(self) -> cv2.DISOpticalFlow:
        if self._flow is None:
            self._flow = dense_flow()
        return self._flow

    def _nearest(self, time_s: float) -> _Moment | None:
        able = [moment for moment in self._moments if _NEAREST_S <= time_s - moment.time_s <= _FURTHEST_S]
        return min(able, key=lambda moment: abs(time_s - moment.time_s - _STEP_S), default=None)

    def _keep(self, now: _Moment) -> None:
        while self._moments and now.time_s - self._moments[0].time_s > _FURTHEST_S:
            self._moments.popleft()
        if not self._moments or now.time_s - self._moments[-1].time_s >= _SPACING_S:
            self._moments.append(now)


_DOWN: Final = np.array([1, 7, 7, 1], np.float32) / 16
_ACROSS: Final = np.float32(_SIZE / _SEARCHED) * _DOWN
"""Weights of the rows and columns in and around a cell: its mean in a flow that was brought to _SIZE by bilinear
interpolation, as OpenCV does, without making all that."""


def _of_cells(found: Floats) -> Floats:
    """Mean flow of the cells, float32 [CELLS, CELLS, 2], from one of [_SEARCHED, _SEARCHED, 2]."""
    means = cv2.sepFilter2D(found, -1, _ACROSS, _DOWN, anchor=(1, 1), borderType=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(means[::2, ::2], np.float32)


def _displacement(now: _Moment, before: _Moment) -> Floats | None:
    """Join two steps into the displacement over INTERVAL_S; None when the second is needed and not there yet."""
    assert now.back is not None
    if now.step_s >= _LONG_STEP_S:
        return now.back * np.float32(-INTERVAL_S / now.step_s)
    if before.back is None:
        return None
    came_from = _MESH + now.back * np.float32(CELLS / _SIZE)
    further = cv2.remap(before.back, came_from, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return np.asarray((now.back + further) * np.float32(-INTERVAL_S / (now.step_s + before.step_s)), np.float32)


def _mesh() -> Floats:
    """Coordinates (x, y) of the cells: float32 [CELLS, CELLS, 2]."""
    rows, columns = np.indices((CELLS, CELLS), dtype=np.float32)
    return np.stack([columns, rows], axis=-1)


_MESH: Final = _mesh()


def directions(field: Floats) -> Floats:
    """Split displacements [..., 2] into their parts to the right, left, down and up: float32 [..., 4], all >= 0."""
    parts = np.empty((*field.shape[:-1], 4), np.float32)
    np.maximum(field[..., 0], 0, out=parts[..., 0])
    np.maximum(-field[..., 0], 0, out=parts[..., 1])
    np.maximum(field[..., 1], 0, out=parts[..., 2])
    np.maximum(-field[..., 1], 0, out=parts[..., 3])
    return parts


def dense_flow() -> cv2.DISOpticalFlow:
    """Dense inverse search (Kroeger et al., ECCV 2016) without its variational refinement.

    The refinement costs as much as the search and smears motion across edges: measured, it makes detection worse.
    """
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow.setVariationalRefinementIterations(0)
    flow.setFinestScale(0)
    flow.setPatchStride(4)
    flow.setGradientDescentIterations(16)
    return flow


def _grey(pixels: Pixels) -> Grey:
    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    if grey.shape != (_SIZE, _SIZE):
        grey = cv2.resize(grey, (_SIZE, _SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(grey, (_SEARCHED, _SEARCHED), interpolation=cv2.INTER_AREA), np.uint8)
