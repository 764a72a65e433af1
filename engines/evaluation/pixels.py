"""Metrics over pixels and over regions of single frames."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np

from engines.contract import Floats
from engines.evaluation.tally import BINS, Counts, Curve, auroc, average_precision, bins_of, count, rates
from engines.evaluation.truth import FrameTruth, Mask

PRO_LIMIT: Final = 0.3
WINDOWS: Final = 8
"""A frame's normal regions are the windows of a grid of so many by so many."""
SIZES: Final = (("small: under 1 %", 0.01), ("medium: 1 to 5 %", 0.05), ("large: over 5 %", 1.1))
"""Classes of regions by their share of the picture."""


def size_class(mask: Mask) -> str:
    """The class of a region by the share of the picture that it covers."""
    share = float(mask.mean())
    return next(name for name, limit in SIZES if share < limit)


_FINE: Final = (128, 128)
"""Maps of frames without regions are interpolated to so many pixels, as the others are to the size of their masks."""
_PIXELS: Final = 128 * 128
"""Every frame weighs as so many pixels, whatever the size of its masks."""


@dataclass(slots=True, eq=False)
class RegionTally:
    """What is counted of one class of regions."""

    regions: int = 0
    pixels: Counts = field(default_factory=lambda: np.zeros(BINS))
    overlap: Counts = field(default_factory=lambda: np.zeros(BINS))
    """Each pixel weighs one over its region's area: so every region weighs the same."""
    peaks: Counts = field(default_factory=lambda: np.zeros(BINS))

    def add(self, scores: Floats) -> None:
        """Count a region by the scores of its pixels, float32 [n]."""
        counted = count(scores)
        self.regions += 1
        self.pixels += counted
        self.overlap += counted / scores.size
        self.peaks[bins_of(scores.max(keepdims=True))[0]] += 1

    def join(self, other: RegionTally) -> None:
        """Take in what another has counted."""
        self.regions += other.regions
        self.pixels += other.pixels
        self.overlap += other.overlap
        self.peaks += other.peaks


class PixelTally:
    """Counts pixels and regions of frame after frame; what is kept does not grow with the footage.

    `apart` counts regions also by kind and by size.
    """

    def __init__(self, *, apart: bool = True) -> None:
        self._apart = apart
        self.normal: Counts = np.zeros(BINS)
        self.abnormal: Counts = np.zeros(BINS)
        self.windows: Counts = np.zeros(BINS)
        self.all = RegionTally()
        self.sizes: dict[str, RegionTally] = {}
        self.kinds: dict[str, RegionTally] = {}

    def add(self, scores: Floats, truth: FrameTruth) -> None:
        """Count a frame: its map, float32 [h, w], is interpolated to the size of the truth's masks.

        Frames that are not judged, or whose anomaly nobody located, are passed over.
        """
        if truth.regions is None:
            return
        shape = truth.regions[0].mask.shape if truth.regions else _FINE
        fine = enlarge(scores, (shape[0], shape[1]))
        abnormal = np.zeros(shape, np.bool_)
        for region in truth.regions:
            abnormal |= region.mask
            self._add_region(fine[region.mask], region.kind, size_class(region.mask))
        counted = np.ones(shape, np.bool_) if truth.ignored is None else ~_fit(truth.ignored, shape)
        scale = _PIXELS / abnormal.size
        self.abnormal += count(fine[abnormal], scale)
        self.normal += count(fine[counted & ~abnormal], scale)
        self.windows += count(window_peaks(fine, counted & ~abnormal))

    def _add_region(self, scores: Floats, kind: str, size: str) -> None:
        self.all.add(scores)
        if self._apart:
            self.kinds.setdefault(kind, RegionTally()).add(scores)
            self.sizes.setdefault(size, RegionTally()).add(scores)

    def join(self, other: PixelTally) -> None:
        """Take in what another has counted."""
        self.normal += other.normal
        self.abnormal += other.abnormal
        self.windows += other.windows
        self.all.join(other.all)
        for mine, others in ((self.sizes, other.sizes), (self.kinds, other.kinds)):
            for name, tally in others.items():
                mine.setdefault(name, RegionTally()).join(tally)

    def auroc(self) -> float | None:
        """AUROC over pixels; None without pixels of both kinds."""
        return auroc(self.abnormal, self.normal)

    def average_precision(self) -> float | None:
        """Average precision over pixels; None without pixels of both kinds."""
        return average_precision(self.abnormal, self.normal)

    def pro_curve(self, regions: RegionTally | None = None) -> Curve | None:
        """Share of normal pixels at or above each threshold against the mean share of each region's pixels there.

        P. Bergmann et al., "Uninformed Students", CVPR 2020.
        """
        regions = regions or self.all
        if not regions.regions or not self.normal.any():
            return None
        return rates(self.normal, regions.overlap, regions.regions)

    def pro(self, regions: RegionTally | None = None) -> float | None:
        """Area under the PRO curve up to a false-positive rate of 0.3, over 0.3."""
        curve = self.pro_curve(regions)
        return None if curve is None else curve.area(PRO_LIMIT)

    def region_auroc(self, regions: RegionTally | None = None) -> float | None:
        """AUROC of abnormal regions against normal windows, each by its highest score."""
        return auroc((regions or self.all).peaks, self.windows)


def enlarge(scores: Floats, shape: tuple[int, int]) -> Floats:
    """Interpolate a map, float32 [h, w], to another shape."""
    if scores.shape == shape:
        return scores
    return np.asarray(cv2.resize(scores, shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def window_peaks(scores: Floats, normal: Mask) -> Floats:
    """The highest score of each window that is normal throughout, float32 [n]."""
    rows, columns = _edges(scores.shape[0]), _edges(scores.shape[1])
    peaks = np.maximum.reduceat(np.maximum.reduceat(scores, rows, axis=0), columns, axis=1)
    clean = np.logical_and.reduceat(np.logical_and.reduceat(normal, rows, axis=0), columns, axis=1)
    return np.asarray(peaks[clean], np.float32)


def _edges(length: int) -> list[int]:
    return sorted({length * index // WINDOWS for index in range(WINDOWS)})


def _fit(mask: Mask, shape: tuple[int, ...]) -> Mask:
    if mask.shape == shape:
        return mask
    grown = cv2.resize(mask.astype(np.uint8), (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.asarray(grown) > 0


def joined(tallies: Iterable[PixelTally]) -> PixelTally:
    """One tally of several."""
    whole = PixelTally()
    for tally in tallies:
        whole.join(tally)
    return whole
