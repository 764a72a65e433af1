"""What a camera's view looks like while all is well: where its edges are, how sharp and how bright it is.

Learnt at enrolment, it tells a camera that was moved, covered or put out of focus from a place where something
happens. Edges are kept by orientation without sign, relative to the frame's own contrast: light that comes and goes, or
infrared in place of colour, changes how strong an edge is, and seldom where it is and how it lies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.contract import Floats, Pixels
from engines.zoning import Cells, Hidden

EDGES: Final = 64
"""Edges are kept on EDGES x EDGES cells."""
BLOCKS: Final = 8
"""Cells are judged in BLOCKS x BLOCKS blocks."""
_FINE: Final = 128
_CELLS: Final = EDGES // BLOCKS
_STEADY: Final = 0.35
"""A block whose edges agree from frame to frame at least so well has a structure of its own."""
_LEAST_STEADY: Final = 6
"""With fewer such blocks a view is too empty for its edges to say anything."""
_KEPT: Final = 0.7
_LOST: Final = 0.5
_FAINT: Final = np.float32(0.3)
"""Grey levels a cell: less is no edge."""
_TINY: Final = np.float32(1e-6)

Codes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What is measured of one frame."""

    grey: Codes
    """uint8 [H, W] at the input size."""
    edges: Floats
    """float32 [2, EDGES, EDGES]: cosine and sine of twice the direction of the gradient, times its size."""
    coarse: Floats
    """float32 [BLOCKS * BLOCKS]: mean size of the gradient, grey levels a cell."""
    fine: Floats
    """float32 [BLOCKS * BLOCKS]: mean size of the second derivative, at twice the resolution."""
    bright: int
    """Grey level that 2 % of the cells exceed."""
    washed: float
    """Share of cells at the upper end of the range."""

    @property
    def sharp(self) -> Floats:
        """How fine a block's detail is for its contrast: float32 [BLOCKS * BLOCKS], natural logarithm."""
        return np.asarray(np.log((self.fine + 0.1) / (self.coarse + _FAINT)), np.float32)


def look_at(pixels: Pixels, hidden: Hidden | None = None) -> Look:
    """Measure a frame, uint8 [H, W, 3]; costs about a tenth of a millisecond at 256 x 256.

    Brightness is that of what is not hidden.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    half = cv2.resize(grey, (_FINE, _FINE), interpolation=cv2.INTER_AREA)
    second = cv2.convertScaleAbs(cv2.Laplacian(half, cv2.CV_16S, ksize=1), alpha=4)
    small = cv2.resize(half, (EDGES, EDGES), interpolation=cv2.INTER_AREA)
    right = cv2.Sobel(small, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(small, cv2.CV_32F, 0, 1, scale=1 / 8)
    size = np.asarray(cv2.magnitude(right, down), np.float32) + _TINY
    edges = np.empty((2, EDGES, EDGES), np.float32)
    np.divide(right * right - down * down, size, out=edges[0])
    np.divide(2 * right * down, size, out=edges[1])
    shown = small.ravel() if hidden is None else small[hidden.seen(EDGES, EDGES)]
    levels = np.cumsum(np.bincount(shown, minlength=256))
    return Look(
        grey=np.asarray(grey, np.uint8),
        edges=edges,
        coarse=_means(size),
        fine=_means(np.asarray(second, np.uint8)) / np.float32(4),
        bright=int(np.searchsorted(levels, 0.98 * shown.size)),
        washed=1.0 - float(levels[249]) / max(1, shown.size),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """How a frame looks beside the usual view. Shares are of the blocks that have a structure of their own."""

    agreement: float
    """How much of the structure is in its place, 0..1; 1 is as much as usual."""
    kept: float
    """Share of blocks whose structure is in its place."""
    emptied: float
    """Share of blocks that show nothing of their structure, nor much else in its stead."""
    detailed: float
    """Share of blocks with about as much detail as they have, whatever it shows."""
    sharp: float
    """How sharp the median block is: natural logarithm of a ratio to the usual."""
    sharpest: float
    """The same of the block that three quarters do not exceed."""


@dataclass(frozen=True, eq=False)  # no slots: what follows from it is worked out once
class View:
    """A camera's usual view."""

    edges: Floats
    """float32 [2, EDGES, EDGES], as `Look.edges`, of the mean frame at a contrast of 1."""
    usual: Floats
    """float32 [BLOCKS * BLOCKS]: how well a block's edges agree with these as a rule."""
    coarse: Floats
    sharp: Floats
    """float32 [BLOCKS * BLOCKS], as in `Look`, of the median frame."""
    least_bright: float
    """`Look.bright` of the darkest frames."""
    most_washed: float
    """`Look.washed` of the brightest frames."""
    still_s: float
    """The longest time in which the picture repeated itself to the bit, as coding may make it where nothing moves."""
    seen: Cells | None = None
    """bool [EDGES, EDGES]: the cells whose edges are the view's own; None: all."""

    def behind(self, hidden: Hidden | None) -> View:
        """The view as far as nothing is hidden of it: blocks and edges that are, or lie beside it, tell nothing."""
        if hidden is None:
            return self
        shown = hidden.seen(EDGES, EDGES)
        inner = cv2.erode(shown.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        whole = cv2.erode(shown.astype(np.float32), np.ones((3, 3), np.uint8))
        usual = np.where(_means(whole) > 1 - _TINY, self.usual, np.float32(-1))
        # Of the little that is left, all that was ever washed out may be.
        most_washed = min(1.0, self.most_washed / max(float(shown.mean()), 1e-6))
        return replace(self, usual=np.asarray(usual, np.float32), most_washed=most_washed, seen=np.asarray(inner))

    @property
    def structured(self) -> bool:
        """Whether the view has enough structure of its own to be told from another by it."""
        return int(np.count_nonzero(self._steady)) >= _LEAST_STEADY

    @cached_property
    def _steady(self) -> Cells:
        """The blocks that have a structure of their own."""
        return np.asarray(self.usual >= _STEADY)

    @cached_property
    def _energy(self) -> Floats:
        return _energy_of(self.edges)

    def compare(self, look: Look) -> Comparison:
        """Put a frame beside the view, which must be `structured`."""
        steady = self._steady
        ratio = _agreement(look.edges, self.edges, self._energy)[steady] / self.usual[steady]
        np.minimum(np.maximum(ratio, 0, out=ratio), 1, out=ratio)  # np.clip takes four times as long
        detail = (look.coarse / (self.coarse + _FAINT))[steady]
        sharp = np.sort((look.sharp - self.sharp)[steady])
        return Comparison(
            agreement=float(ratio.mean()),
            kept=np.count_nonzero(ratio >= _KEPT) / ratio.size,
            emptied=np.count_nonzero((ratio < _LOST) & (detail < _LOST)) / ratio.size,
            detailed=np.count_nonzero(detail >= _LOST) / ratio.size,
            sharp=float(sharp[len(sharp) // 2]),
            sharpest=float(sharp[(3 * len(sharp)) // 4]),
        )

    def shift(self, look: Look) -> tuple[float, float, float]:
        """How far the edges lie from their place: right and down as a share of the picture, and how sure, 0..1."""
        spectra = [np.fft.rfft2(self._shown(_sizes(edges))) for edges in (self.edges, look.edges)]
        cross = spectra[0].conj() * spectra[1]
        peaks = np.fft.irfft2(cross / (np.abs(cross) + _TINY), s=(EDGES, EDGES))
        at = np.unravel_index(int(peaks.argmax()), peaks.shape)
        down, right = ((int(i) + EDGES // 2) % EDGES - EDGES // 2 for i in at)
        return right / EDGES, down / EDGES, float(peaks.max())

    def _shown(self, sizes: Floats) -> Floats:
        """Sizes of edges [EDGES, EDGES]; where they are not the view's own, the mean of those that are."""
        if self.seen is None or not self.seen.any():  # a cell beside a hidden one is not of the view either
            return sizes
        return np.where(self.seen, sizes, sizes[self.seen].mean())

    def followed(self, look: Look, share: float) -> View:
        """The view moved by a small share towards a frame: seasons and shadows. Sharpness and brightness stay."""
        edges = self.edges + np.float32(share) * (_at_unit_contrast(look) - self.edges)
        coarse = self.coarse + np.float32(share) * (look.coarse - self.coarse)
        return replace(self, edges=edges, coarse=coarse)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays for a profile."""
        levels = np.array([self.least_bright, self.most_washed, self.still_s], np.float32)
        return {
            "view.edges": self.edges.astype(np.float16),
            "view.usual": self.usual,
            "view.coarse": self.coarse,
            "view.sharp": self.sharp,
            "view.levels": levels,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> View | None:
        """The inverse of `to_arrays`; None where a profile has no view, as that of stills or of an older Vigil.

        Raises KeyError or ValueError when a part is missing or has another shape.
        """
        if "view.edges" not in arrays:
            return None
        blocks = BLOCKS * BLOCKS
        edges = arrays["view.edges"].astype(np.float32).reshape(2, EDGES, EDGES)
        usual, coarse, sharp = (
            arrays[f"view.{name}"].astype(np.float32).reshape(blocks) for name in ("usual", "coarse", "sharp")
        )
        least_bright, most_washed, still_s = (float(level) for level in arrays["view.levels"].reshape(3))
        return cls(edges, usual, coarse, sharp, least_bright, most_washed, still_s)


def fit_view(looks: Sequence[Look], still_s: float) -> View:
    """From frames of normal footage, at least one, and what `Stillness` made of it."""
    edges = np.asarray(np.mean([_at_unit_contrast(look) for look in looks], axis=0), np.float32)
    energy = _energy_of(edges)
    agreements = [_agreement(look.edges, edges, energy) for look in looks]
    return View(
        edges=edges,
        usual=np.median(agreements, axis=0).astype(np.float32),
        coarse=np.median([look.coarse for look in looks], axis=0).astype(np.float32),
        sharp=np.median([look.sharp for look in looks], axis=0).astype(np.float32),
        least_bright=float(min(look.bright for look in looks)),
        most_washed=float(max(look.washed for look in looks)),
        still_s=still_s,
    )


def _at_unit_contrast(look: Look) -> Floats:
    return np.asarray(look.edges / (look.coarse.mean() + _FAINT), np.float32)


def _energy_of(edges: Floats) -> Floats:
    """Mean square of the edges of each block: float32 [BLOCKS * BLOCKS]."""
    return _means(np.square(edges).sum(0))


def _agreement(edges: Floats, usual: Floats, energy: Floats) -> Floats:
    """Correlation of edges with the usual ones, whose mean square is `energy`: float32 [BLOCKS * BLOCKS], -1..1."""
    together = _means((edges * usual).sum(0))
    alone = _energy_of(edges) * energy
    return np.asarray(together / np.sqrt(alone + _TINY), np.float32)


def _sizes(edges: Floats) -> Floats:
    return np.asarray(np.sqrt(np.square(edges).sum(0)), np.float32)


def _means(values: NDArray[Any]) -> Floats:
    """Mean of each block."""
    small = cv2.resize(np.asarray(values, np.float32), (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32).ravel()
