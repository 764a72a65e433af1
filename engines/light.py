"""Evens out how light and exposure change: each frame is brought to the brightness that its camera was enrolled at.

The sun goes behind a cloud, a lamp is lit, the camera chooses another exposure: every place of the picture changes by
one and the same curve. That curve is estimated from blocks of the frame against their usual values, one a channel, and
undone. Blocks that do not fit the curve (people, vehicles, shadows) lose their say, so that what is unusual at some
places stays as unusual as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.contract import Floats, Pixels
from engines.zoning import Cells, Hidden, of_seen, seen_blocks

BLOCKS: Final = 16
"""A picture is compared on BLOCKS x BLOCKS blocks."""
_ROUNDS: Final = 3
_LEAST_SPREAD: Final = np.float32(2 / 255)
"""Differences of this size are the sensor's noise: they never cost a block its say."""
_FIRMNESS: Final = np.diag(np.array([1e-4, 1e-3, 1e-3], np.float32))
"""How firmly offset, gain and bend stay at none where the blocks do not tell: a share of the blocks' weight."""
_STEEPEST: Final = 3.0
"""Gain beyond this, or below its inverse, only makes noise."""
_FURTHEST: Final = np.float32(0.5)
"""The brightness of no pixel is changed by more than this share of the range."""

Levels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """The usual brightness of each block of a camera's picture."""

    usual: Floats
    """float32 [3, BLOCKS * BLOCKS], 0..1."""
    seen: Cells | None = None
    """bool [BLOCKS * BLOCKS]: the blocks that tell of the light; None for all."""

    def behind(self, hidden: Hidden | None) -> Light:
        """The same where parts of the picture are hidden, and tell of no light."""
        return replace(self, seen=seen_blocks(hidden, BLOCKS))

    def even_out(self, pixels: Pixels, into: Pixels | None = None) -> Pixels:
        """Bring one frame, uint8 [H, W, 3], to the usual light. The frame itself is returned if it needs nothing.

        With `into`, of the same shape, the result is always written there.
        """
        blocks, usual = (of_seen(each, self.seen) for each in (blocks_of(pixels), self.usual))
        return _through(_levels(_curve(blocks, usual))[0], pixels, into)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays for a profile."""
        return {"light.usual": self.usual}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Light | None:
        """The inverse of `to_arrays`; None where a profile has no light, as that of stills or of an older Vigil."""
        usual = arrays.get("light.usual")
        return None if usual is None else cls(usual.astype(np.float32))


def even_out_all(frames: Sequence[tuple[Light, Floats, Pixels, Pixels]]) -> None:
    """`Light.even_out` of frames, each by its light and `blocks_of` it, and into the last.

    All curves at once cost little more than one.
    """
    for light, _, pixels, into in frames:
        if light.seen is not None:  # its curve is of fewer blocks
            light.even_out(pixels, into)
    whole = [one for one in frames if one[0].seen is None]
    if not whole:
        return
    blocks, usual = (np.concatenate(each) for each in ([one[1] for one in whole], [one[0].usual for one in whole]))
    for levels, (_, _, pixels, into) in zip(_levels(_curve(blocks, usual)), whole, strict=True):
        _through(levels, pixels, into)


def _through(levels: Levels, pixels: Pixels, into: Pixels | None) -> Pixels:
    if not (levels == _SAME).all():
        colours = zip(cv2.split(np.ascontiguousarray(pixels)), cv2.split(levels), strict=True)
        # One colour at a time: for three together OpenCV has no fast code.
        return np.asarray(cv2.merge([cv2.LUT(*each) for each in colours], dst=into), np.uint8)
    if into is None:
        return pixels
    np.copyto(into, pixels)
    return into


def blocks_of(pixels: Pixels) -> Floats:
    """Mean brightness of the blocks of a frame, uint8 [H, W, 3]: float32 [3, BLOCKS * BLOCKS], 0..1."""
    small = cv2.resize(pixels, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA)
    return shares_of(np.asarray(small, np.float32))


def shares_of(small: Floats) -> Floats:
    """Whole levels of blocks, float32 [BLOCKS, BLOCKS, 3] of 0..255, as `blocks_of` gives them."""
    return np.ascontiguousarray(small.reshape(-1, 3).T) * np.float32(1 / 255)


def fit_light(frames: Floats) -> Light:
    """From the blocks of normal frames, float32 [n, 3, BLOCKS * BLOCKS]: the median of each."""
    return Light(np.median(frames, axis=0).astype(np.float32))


def _terms(values: Floats) -> Floats:
    """Offset, slope and bend about the middle of the range: values [..., n] to float32 [..., n, 3 terms]."""
    centred = values - np.float32(0.5)
    return np.stack([np.ones_like(values), centred, np.square(centred) - np.float32(1 / 12)], axis=-1)


_SAME: Final[Levels] = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
_INPUT: Final[Floats] = np.linspace(0, 1, 256, dtype=np.float32)
_INPUT_TERMS: Final[Floats] = _terms(_INPUT)


def _curve(blocks: Floats, usual: Floats) -> Floats:
    """What became of the usual brightness [m, n], as a curve of it a channel of each frame: float32 [m, 3 terms].

    Least squares, weighted anew each round by Cauchy's weights: blocks that are far off count next to nothing. The
    curve is of the usual brightness and not of what is seen, since what stands in front of a place is of one colour
    while the places behind it are of many: it can pull the curve nowhere.
    """
    terms, change = _terms(usual), blocks - usual
    products = np.concatenate([terms, change[..., None]], axis=-1)
    weights = _say(change - _median(change))
    for _ in range(_ROUNDS):
        sums = (terms * weights[..., None]).transpose(0, 2, 1) @ products
        firm = weights.sum(1)[:, None, None] * _FIRMNESS
        curve = np.linalg.solve(sums[..., :3] + firm, sums[..., 3:])
        weights = _say(change - (terms @ curve)[..., 0])
    return np.asarray(curve[..., 0], np.float32)


def _say(errors: Floats) -> Floats:
    sizes = np.abs(errors)
    return np.asarray(1 / (1 + np.square(sizes / (3 * _median(sizes) + 2 * _LEAST_SPREAD))), np.float32)


def _median(values: Floats) -> Floats:
    """Of each row of [m, n]; partition is much faster than numpy's own median."""
    at = values.shape[1] // 2
    return np.partition(values, at, axis=1)[:, at, None]


def _levels(curve: Floats) -> Levels:
    """The way back, for every level of each of m curves; rises throughout: uint8 [m / 3 frames, 1, 256, 3]."""
    change = np.clip((_INPUT_TERMS @ curve[..., None])[..., 0], -_FURTHEST, _FURTHEST)
    steps = np.clip(np.diff(_INPUT + change, axis=1), 1 / (255 * _STEEPEST), _STEEPEST / 255)
    rising = np.zeros_like(change)
    np.cumsum(steps, axis=1, out=rising[:, 1:])
    seen = rising - rising[:, 128:129] + _INPUT[128] + change[:, 128:129]
    back = np.stack([np.interp(_INPUT, channel, _INPUT) for channel in seen]).reshape(-1, 3, 256)
    return np.ascontiguousarray(np.rint(back * 255).astype(np.uint8).transpose(0, 2, 1)[:, None])
