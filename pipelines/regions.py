"""Map of scores -> the few boxes of the picture that a person should look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from engines.contract import Floats, Signal
from pipelines.types import Region

_MOST_PARTS = 64
"""Components looked at, strongest first: bounds the merging whatever the map."""


class RegionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which parts of a map become regions."""

    most: Annotated[int, msgspec.Meta(ge=1, le=32)] = 5
    """Regions of an alert, strongest first."""
    peak_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
    """A place belongs to a region if it reaches the threshold and this share of the map's highest score: so a box
    stays tight about a strong anomaly instead of spreading over all that is faintly raised."""


@dataclass(frozen=True, slots=True)
class _Box:
    """Places [left, right) x [top, bottom) of the map, and which components are in them."""

    left: int
    top: int
    right: int
    bottom: int
    parts: tuple[int, ...]

    def touches(self, other: _Box) -> bool:
        across = self.left <= other.right and other.left <= self.right
        return across and self.top <= other.bottom and other.top <= self.bottom

    def joined(self, other: _Box) -> _Box:
        return _Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
            self.parts + other.parts,
        )


def propose_regions(
    scores: Floats,
    signal_maps: Mapping[Signal, Floats],
    threshold: float,
    *,
    flagged: bool,
    settings: RegionSettings,
) -> tuple[Region, ...]:
    """Boxes about what stands out in a map.

    `scores` and each of `signal_maps` are float32 [h, w] in units of surprise. Boxes are connected components (8
    neighbours) of the places above the level of `attention_level`, merged where they touch; at most
    `settings.most`, strongest first. A flagged frame with any place above zero has at least one.
    """
    scores = np.nan_to_num(scores)
    level = attention_level(scores, threshold, settings.peak_share, flagged=flagged)
    raised = (scores >= level) & (scores > 0)
    count, found, stats, _ = cv2.connectedComponentsWithStats(raised.astype(np.uint8), connectivity=8)
    labels = np.asarray(found, np.int32)
    peaks = {part: float(scores[labels == part].max()) for part in range(1, count)}
    strongest = sorted(peaks, key=lambda part: -peaks[part])[:_MOST_PARTS]
    boxes = _merge([_box(part, stats[part]) for part in strongest])
    boxes.sort(key=lambda box: -max(peaks[part] for part in box.parts))
    return tuple(_region(box, labels, scores, signal_maps) for box in boxes[: settings.most])


def attention_level(scores: Floats, threshold: float, peak_share: float, *, flagged: bool) -> float:
    """The score from which a place has the viewer's attention.

    The larger of the threshold and a share of the map's peak. The frame's score is smoothed in time, so a flagged
    frame's own map may peak below the threshold; the share of the peak alone then decides.
    """
    peak = float(scores.max(initial=0.0))
    if flagged and peak < threshold:
        return peak * peak_share
    return max(threshold, peak * peak_share)


def _box(part: int, stats: NDArray[np.int32]) -> _Box:
    left, top, width, height = (int(v) for v in stats[:4])
    return _Box(left, top, left + width, top + height, (part,))


def _merge(boxes: list[_Box]) -> list[_Box]:
    """Join boxes that touch until none do."""
    merged: list[_Box] = []
    waiting = list(boxes)
    while waiting:
        box = waiting.pop()
        touching = [other for other in merged if box.touches(other)]
        if not touching:
            merged.append(box)
            continue
        merged = [other for other in merged if other not in touching]
        for other in touching:
            box = box.joined(other)
        waiting.append(box)
    return merged


def _region(box: _Box, labels: NDArray[np.int32], scores: Floats, signal_maps: Mapping[Signal, Floats]) -> Region:
    inside = np.isin(labels, box.parts)
    return Region(
        x=box.left / scores.shape[1],
        y=box.top / scores.shape[0],
        width=(box.right - box.left) / scores.shape[1],
        height=(box.bottom - box.top) / scores.shape[0],
        score=float(scores[inside].max()),
        signal=_dominating(signal_maps, inside),
    )


def _dominating(signal_maps: Mapping[Signal, Floats], inside: NDArray[np.bool_]) -> Signal:
    """The signal with the largest total surprise in some places; all signals share one unit."""

    def total(signal: Signal) -> float:
        return float(np.clip(np.nan_to_num(signal_maps[signal][inside]), 0, None).sum())

    return max(signal_maps, key=total)
