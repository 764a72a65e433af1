"""The change gate: what did not change is not computed again.

A frame is compared, block by block, with the last frame of its camera that was computed, so that slow change adds up
until it counts. Where no block differs by more than the sensor's noise, the camera's last result stands for the frame.
It is computed again all the same from time to time: soon after the last change, as long as what the detector averages
over time is still moving, and ever more seldom the longer nothing happens, up to a maximum age.
"""

from __future__ import annotations

import math
from typing import Annotated, Final, Literal, TypeAlias, get_args

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from engines.contract import Floats, Pixels
from engines.zoning import Hidden

Why: TypeAlias = Literal["first", "changed", "settling", "refresh", "unchanged"]
"""What the gate says of a frame. All but the last are computed: there was nothing to compare with (start, outage); a
block differs; nothing differs, but something did a moment ago; nothing differs, but the last result has reached its
maximum age. `unchanged`: the last result is used again."""

WHYS: Final[tuple[Why, ...]] = get_args(Why)

_GAIN: Final = 8
"""Differences are kept as multiples of an eighth of a grey level."""
_FLOOR: Final = 3.0 * _GAIN
"""A block never counts as changed below this: less is the coding of the video, and nothing that the network sees."""
_OVER_NOISE: Final = 2.5
_RISE: Final = 0.02
_FALL: Final = 0.05
"""How far the noise of a block moves to what is seen, a frame: the slower rise makes it a low quantile."""
_SPREAD: Final = 3.0
_ABOVE: Final = 1.0 * _GAIN
_MOST_NOISE: Final = 6.0 * _GAIN
"""No block is taken for noisier than _SPREAD times the median block and _ABOVE more, nor than this: what flickers
beyond that, such as a tree in the wind, is change."""
_SETTLE_S: Final = 1.2
"""Motion is measured over two steps of 0.2 s, and scores are smoothed with a constant of 0.3 s: by then they have come
down, and what is used again is the score of the still scene and not of what left it. A score that no change has moved
has nowhere to come down from: many cameras code the whole picture anew every second or two, and it looks a little
different each time."""
_RAISED_AGE_S: Final = 0.5
_STILL_SHARE: Final = 0.5
"""A result may be this share of the time old that nothing has changed for."""
_ROUNDING_S: Final = 1e-3

_Blocks = NDArray[np.uint8]


class GateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whether a frame that looks like the last one computed is computed again."""

    enabled: bool = True
    max_age_s: Annotated[float, msgspec.Meta(ge=0.5, le=60)] = 10.0
    """A result is used no longer than this, however still the scene."""


class Gate:
    """Decides for one camera. Belongs to one thread; costs some 0.05 ms a frame."""

    def __init__(self, settings: GateSettings = GateSettings()) -> None:  # noqa: B008 - frozen
        self._max_age_s = settings.max_age_s
        self._noise = _Noise()
        self._reference: Pixels | None = None
        self._computed_s = self._changed_s = -math.inf
        self._afresh = self._successive = False

    def check(self, time_s: float, pixels: Pixels, *, raised: bool, moved: bool = True) -> Why:
        """Say whether a frame, uint8 [H, W, 3] RGB, has to be computed; if so it is what later ones are compared with.

        `time_s` is on the camera's clock and increases. `raised` says that the last score came near the threshold: no
        result is then used for longer than half a second. `moved` says that it is not what the score before was: after
        a change frames are computed until it rests. The pixels are kept, and must not be written to again.
        """
        why = self._why(time_s, pixels, raised=raised, moved=moved)
        self._successive = why != "unchanged"
        if why in ("first", "changed"):
            # A first frame's score is not made of what made the one before, and tells no movement.
            self._changed_s, self._afresh = time_s, why == "first"
        if why != "unchanged":
            self._reference, self._computed_s = pixels, time_s
        return why

    def forget(self) -> None:
        """Compute the next frame whatever it shows, as after an outage. What is known of the sensor stays."""
        self._reference = None

    def hide(self, hidden: Hidden | None) -> None:
        """Know what is hidden of the next frames, which is no measure of the sensor; the first of them is computed."""
        self._noise.hidden = hidden
        self.forget()

    def _why(self, time_s: float, pixels: Pixels, *, raised: bool, moved: bool) -> Why:
        if self._reference is None or self._reference.shape != pixels.shape:
            return "first"
        blocks = _differences(pixels, self._reference)
        if self._successive:  # what differs from the very frame before is noise, or motion, and no drift
            self._noise.observe(blocks)
        if self._noise.exceeded(blocks):
            return "changed"
        still_s = time_s - self._changed_s
        if (moved or self._afresh) and still_s + _ROUNDING_S < _SETTLE_S:
            return "settling"
        aged_s = _STILL_SHARE * max(still_s, _SETTLE_S)
        limit_s = min(self._max_age_s, aged_s, _RAISED_AGE_S if raised else math.inf)
        if time_s - self._computed_s + _ROUNDING_S >= limit_s:
            return "refresh" if limit_s == self._max_age_s else "settling"
        return "unchanged"


class _Noise:
    """How much each block differs from one frame to the next where nothing happens."""

    def __init__(self) -> None:
        self._level: Floats | None = None
        self._tolerance: _Blocks = np.zeros((0, 0), np.uint8)
        self.hidden: Hidden | None = None

    def observe(self, blocks: _Blocks) -> None:
        """Learn from the differences of two successive frames."""
        seen = blocks.astype(np.float32)
        if self._level is None or self._level.shape != seen.shape:
            self._level = seen
        else:
            step = seen - self._level
            self._level += np.where(step > 0, np.float32(_RISE), np.float32(_FALL)) * step
        # Most blocks of a fixed camera show nothing that moves, so the median block shows the sensor.
        bound = min(_SPREAD * _median(self._of_shown(self._level)) + _ABOVE, _MOST_NOISE)
        np.minimum(self._level, np.float32(bound), out=self._level)
        self._tolerance = (_OVER_NOISE * self._level + _FLOOR).astype(np.uint8)

    def _of_shown(self, level: Floats) -> Floats:
        return level if self.hidden is None else level[self.hidden.seen(*level.shape)]

    def exceeded(self, blocks: _Blocks) -> bool:
        """Whether any block differs by more than noise does; so they do as long as nothing is known of it."""
        if self._tolerance.shape != blocks.shape:
            return True
        return cv2.countNonZero(cv2.subtract(blocks, self._tolerance)) > 0


def _differences(one: Pixels, other: Pixels) -> _Blocks:
    """Mean absolute difference of each block of 4 x 4 pixels: uint8 [H/4, W/4], grey levels times _GAIN, saturated.

    Red, green and blue count as the eye has it, which keeps the noise of subsampled colour small. Halving twice is
    three times as fast as a step of four.
    """
    grey = cv2.cvtColor(cv2.absdiff(one, other), cv2.COLOR_RGB2GRAY)
    blocks = cv2.convertScaleAbs(grey, dst=grey, alpha=_GAIN)
    for _ in range(2):
        size = max(1, blocks.shape[1] // 2), max(1, blocks.shape[0] // 2)
        blocks = cv2.resize(blocks, size, interpolation=cv2.INTER_AREA)
    return np.asarray(blocks, np.uint8)


def _median(values: Floats) -> float:
    middle = values.size // 2
    return float(np.partition(values, middle, axis=None)[middle])
