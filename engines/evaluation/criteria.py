"""Region-based and track-based detection criteria: RBDC and TBDC.

B. Ramachandra and M. J. Jones, "Street Scene: A new dataset and evaluation protocol for video anomaly detection",
WACV 2020. A frame's detections are the connected parts of its map at or above a threshold. An abnormal region is
detected when the intersection over union of it and some detection is at least beta. A detection is a false positive
when it reaches beta with no abnormal region. A track is detected when at least the share alpha of its regions is. Both
criteria are areas under the detection rate against false positives a frame, from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.contract import Floats
from engines.evaluation.pixels import enlarge
from engines.evaluation.tally import Curve
from engines.evaluation.truth import FrameTruth, Mask

ALPHA: Final = 0.1
BETA: Final = 0.1
LEVELS: Final = 96
LONGEST: Final = 128
"""The criteria are counted on masks and maps of so many pixels on the longer side."""

_ROUNDING: Final = 1e-9

_Counts = NDArray[np.int64]


def levels_of(peaks: NDArray[np.floating], values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Thresholds to try, falling: quantiles of the frames' highest scores, and below them of all scores."""
    upper = np.quantile(peaks, np.linspace(1, 0, LEVELS * 3 // 4))
    lower = np.quantile(values, np.linspace(0.995, 0.25, LEVELS // 4))
    return np.unique(np.concatenate((upper, lower)).astype(np.float32))[::-1]


@dataclass(slots=True, eq=False)
class _Track:
    regions: int
    detected: _Counts


@dataclass(slots=True, eq=False)
class DetectionTally:
    """Counts detections frame after frame at each of some thresholds, float32 [L] in falling order."""

    levels: NDArray[np.float32]
    frames: int = 0
    regions: int = 0
    detected: _Counts = field(init=False)
    false: _Counts = field(init=False)
    tracks: dict[str, _Track] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.detected = np.zeros(len(self.levels), np.int64)
        self.false = np.zeros(len(self.levels), np.int64)

    def add(self, scores: Floats, truth: FrameTruth, clip: str = "") -> None:
        """Count a frame by its map, float32 [h, w]; `clip` keeps apart tracks that bear the same id.

        Frames that are not judged, or whose anomaly nobody located, are passed over.
        """
        if truth.regions is None:
            return
        masks = [region.mask for region in truth.regions]
        fine = self._fine(scores, masks, truth.ignored)
        self.frames += 1
        self.regions += len(masks)
        hits = np.zeros((len(self.levels), len(masks)), np.bool_)
        first = int(np.searchsorted(-self.levels, -fine.max()))
        for level in range(first, len(self.levels)):
            hits[level], false = match(fine >= self.levels[level], masks)
            self.false[level] += false
        self.detected += hits.sum(axis=1)
        for index, region in enumerate(truth.regions):
            if region.track is not None:
                self._follow(f"{clip}/{region.track}", hits[:, index])

    @staticmethod
    def _fine(scores: Floats, masks: Sequence[Mask], ignored: Mask | None) -> Floats:
        if not masks:
            return scores
        fine = enlarge(scores, (masks[0].shape[0], masks[0].shape[1]))
        return fine if ignored is None else np.where(ignored, np.float32(-np.inf), fine)

    def _follow(self, name: str, hits: Mask) -> None:
        track = self.tracks.setdefault(name, _Track(0, np.zeros(len(self.levels), np.int64)))
        track.regions += 1
        track.detected += hits

    def region_curve(self) -> Curve | None:
        """False positives a frame against the share of regions detected; None without regions."""
        return self._curve(self.detected / self.regions) if self.regions else None

    def track_curve(self) -> Curve | None:
        """False positives a frame against the share of tracks detected; None without tracks."""
        if not self.tracks:
            return None
        found = [track.detected >= ALPHA * track.regions - _ROUNDING for track in self.tracks.values()]
        return self._curve(np.mean(found, axis=0))

    def rbdc(self) -> float | None:
        """Area under the region curve."""
        curve = self.region_curve()
        return None if curve is None else curve.area(1.0)

    def tbdc(self) -> float | None:
        """Area under the track curve."""
        curve = self.track_curve()
        return None if curve is None else curve.area(1.0)

    def _curve(self, found: NDArray[np.floating]) -> Curve:
        """At low thresholds detections melt into one: what a higher threshold found is not lost again."""
        x = np.concatenate(([0.0], np.maximum.accumulate(self.false / max(1, self.frames))))
        return Curve(x, np.concatenate(([0.0], np.maximum.accumulate(found))))


def match(raised: Mask, masks: Sequence[Mask]) -> tuple[list[bool], int]:
    """Which abnormal regions a thresholded map detects, and how many of its parts are false positives."""
    count, found = cv2.connectedComponents(raised.astype(np.uint8), connectivity=8)
    if count == 1 or not masks:
        return [False] * len(masks), count - 1
    labels = np.asarray(found)
    areas = np.bincount(labels.ravel(), minlength=count)[1:]
    shared = np.array([np.bincount(labels[mask], minlength=count)[1:] for mask in masks])
    united = areas[None] + np.array([[mask.sum()] for mask in masks]) - shared
    good = shared >= BETA * united - _ROUNDING
    return [bool(row.any()) for row in good], int((~good.any(axis=0)).sum())


def tally(frames: Iterable[tuple[str, Floats, FrameTruth]], levels: NDArray[np.float32]) -> DetectionTally:
    """Count frames of several clips: name of the clip, map, truth."""
    counted = DetectionTally(levels)
    for clip, scores, truth in frames:
        counted.add(scores, truth, clip)
    return counted
