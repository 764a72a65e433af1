"""Keeps a bounded, even sample of the footage that enrolment is given.

Frames come in blocks of some seconds, so that motion and smoothing have neighbours. When there is more than is to
be kept, every second block goes, and from then on every second block is passed over: whatever the footage's length,
what is kept covers it evenly and is the same each time. Pixels lie in a temporary file, not in memory.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from typing import IO, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.contract import GAP_S, Pixels
from engines.disturbance import alterations
from engines.light import Light, blocks_of, fit_light
from engines.motion import CELLS, MotionHistory
from engines.stillness import Stillness
from engines.view import View, fit_view, look_at
from engines.zoning import Hidden

BLOCK_S: Final = 16.0
_LOOKS: Final = 300
"""Frames that the usual view is learnt from; each takes 0.1 MB while it is."""


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A frame that was kept."""

    stretch: int
    block: int
    time_s: float
    slot: int
    """Where its pixels are."""
    motion: NDArray[np.float16] | None
    """float16 [CELLS, CELLS, 2], see `motion.MotionHistory`."""


class Footage:
    """The frames kept so far. Close it to release the temporary file."""

    def __init__(self, size: tuple[int, int], *, most: int, hidden: Hidden | None = None) -> None:
        """`hidden` is what privacy masks hide of every frame."""
        self.hidden = hidden
        self._shape = (*size, 3)
        self._bytes = size[0] * size[1] * 3
        self._most = most
        self._file: IO[bytes] | None = None
        self._free: list[int] = []
        self._slots = 0
        self._every = 1
        self._block, self._block_began, self._last_s = -1, 0.0, 0.0
        self._history = MotionHistory()
        self._still = False
        self._duration_s = 0.0
        self.sources: list[str] = []
        self.counts: list[int] = []
        """Frames given in each stretch."""
        self.kept: list[Kept] = []
        self.light: Light | None = None
        """Set by `find_light`."""
        self._stillness = Stillness()
        self._stillness.hide(hidden)
        self._stillest_s = 0.0

    @property
    def duration_s(self) -> float:
        """Time that the frames given cover, gaps apart."""
        return self._duration_s

    def begin(self, source: str, *, still: bool) -> None:
        """Begin a stretch."""
        self.sources.append(source)
        self.counts.append(0)
        self._still = still
        self._history.forget()
        self._stillness.forget()

    def add(self, time_s: float, pixels: Pixels) -> None:
        """Take in a frame, uint8 [H, W, 3]."""
        self._enter_block(time_s)
        self.counts[-1] += 1
        self._last_s = time_s
        if not self._still:
            grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
            self._stillest_s = max(self._stillest_s, self._stillness.step(time_s, grey))
        if self._block % self._every:
            return
        motion = None if self._still else self._history.observe(time_s, pixels)
        half = None if motion is None else motion.astype(np.float16)
        self.kept.append(Kept(len(self.sources) - 1, self._block, time_s, self._store(pixels), half))
        if len(self.kept) > self._most:
            self._thin()

    def pixels(self, index: int) -> Pixels:
        """The pixels of a kept frame, uint8 [H, W, 3], in the usual light once that was found."""
        stored = self._stored(index)
        return stored if self.light is None else self.light.even_out(stored)

    def altered(self, index: int, seed: int) -> Pixels:
        """A kept frame under each mild alteration, uint8 [V, H, W, 3], in the usual light; see `disturbance`."""
        changed = alterations(self._stored(index), seed)
        return changed if self.light is None else np.stack([self.light.even_out(one) for one in changed])

    def find_light(self) -> None:
        """Learn the usual light from all kept frames; unrelated pictures have none."""
        if not self._still and self.kept:
            self.light = fit_light(np.stack([blocks_of(self._stored(index)) for index in range(len(self.kept))]))
            self.light = self.light.behind(self.hidden)

    def view(self) -> View | None:
        """The usual view of the camera, from kept frames all over the footage; unrelated pictures have none."""
        if self._still or not self.kept:
            return None
        every = -(-len(self.kept) // _LOOKS)
        looks = [look_at(self._stored(index), self.hidden) for index in range(0, len(self.kept), every)]
        return fit_view(looks, still_s=self._stillest_s)

    def _stored(self, index: int) -> Pixels:
        data = os.pread(self._descriptor(), self._bytes, self.kept[index].slot * self._bytes)
        return np.frombuffer(data, np.uint8).reshape(self._shape)

    def motion(self) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
        """Motion of all kept frames, float16 [n, CELLS, CELLS, 2] and whether there was any to measure, bool [n]."""
        fields = np.zeros((len(self.kept), CELLS, CELLS, 2), np.float16)
        measured = np.zeros(len(self.kept), np.bool_)
        for index, kept in enumerate(self.kept):
            if kept.motion is not None:
                fields[index], measured[index] = kept.motion, True
        return fields, measured

    def close(self) -> None:
        """Release the temporary file."""
        if self._file is not None:
            self._file.close()

    def _descriptor(self) -> int:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="vigil-enrol-")  # noqa: SIM115 - closed in close()
        return self._file.fileno()

    def _enter_block(self, time_s: float) -> None:
        first = self.counts[-1] == 0
        step_s = 0.0 if first else time_s - self._last_s
        if 0 < step_s <= GAP_S:
            self._duration_s += step_s
        if first or self._still or not 0 < step_s <= GAP_S or time_s - self._block_began >= BLOCK_S:
            self._block += 1
            self._block_began = time_s

    def _store(self, pixels: Pixels) -> int:
        if self._free:
            slot = self._free.pop()
        else:
            slot, self._slots = self._slots, self._slots + 1
        os.pwrite(self._descriptor(), np.ascontiguousarray(pixels).tobytes(), slot * self._bytes)
        return slot

    def _thin(self) -> None:
        """Keep every second of the blocks kept so far, the one being filled among them or not."""
        while len(self.kept) > self._most and self._every <= self._block:
            self._every *= 2
            self._free += [kept.slot for kept in self.kept if kept.block % self._every]
            self.kept = [kept for kept in self.kept if not kept.block % self._every]
