"""What is known of footage: which frames are abnormal, and where in the picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Labels: TypeAlias = NDArray[np.uint8]
Mask: TypeAlias = NDArray[np.bool_]

NORMAL: Final = 0
ABNORMAL: Final = 1
IGNORED: Final = 2
"""Values of `Labels`: uint8 [H, W]. Ignored pixels count neither way."""

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, width, height in pixels of the truth's picture size."""


@dataclass(frozen=True, slots=True)
class Span:
    """A run of frames that shows an anomaly. Several runs with one id are one instance, out of sight in between."""

    first: int
    last: int
    """Frames from 0, both inclusive."""
    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Instance:
    """One anomaly from its first frame to its last."""

    id: str
    kind: str
    first_s: float
    last_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A part of a frame that is abnormal."""

    mask: Mask
    """bool [H, W]."""
    kind: str
    track: str | None
    """Id of the instance that it belongs to; None where that is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameTruth:
    """The truth of one frame."""

    abnormal: bool | None
    """None: nobody looked; the frame counts nowhere."""
    kinds: tuple[str, ...] = ()
    """Kinds of anomaly in it."""
    regions: tuple[Region, ...] | None = ()
    """None where the frame is abnormal and nobody knows where, or the frame is not judged."""
    ignored: Mask | None = None
    """bool [H, W]: pixels that count neither way."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The truth of one piece of footage, by frame number."""

    fps: float | None
    """Frames of the truth a second; None for unrelated pictures, which are numbered."""
    spans: tuple[Span, ...] = ()
    judged: tuple[tuple[int, int], ...] | None = None
    """Runs of frames that somebody looked at, both ends inclusive; None: all."""
    size: tuple[int, int] | None = None
    """Height and width that boxes are written for; masks bring their own."""
    boxes: Mapping[int, Sequence[tuple[str, Box]]] = field(default_factory=dict)
    """Boxes of a frame with the ids of their instances."""
    labels: Callable[[int], Labels | None] | None = None
    """Reads a frame's labels; None where there are none for the frame."""

    @property
    def instances(self) -> tuple[Instance, ...]:
        """The anomalies in order of time; seconds, or numbers of pictures."""
        rate = self.fps or 1.0
        found: dict[str, Instance] = {}
        for span in sorted(self.spans, key=lambda one: one.first):
            begun = found.get(span.id)
            first_s = begun.first_s if begun else span.first / rate
            last_s = max(begun.last_s if begun else 0.0, span.last / rate)
            found[span.id] = Instance(span.id, span.kind, first_s, last_s)
        return tuple(found.values())

    def number(self, time_s: float) -> int:
        """The frame shown at a time: seconds from the beginning, or the number of a picture."""
        return round(time_s * (self.fps or 1.0))

    def at(self, time_s: float, longest: int) -> FrameTruth:
        """The truth at a time; masks are scaled down so that their longer side is at most `longest` pixels."""
        frame = self.number(time_s)
        if self.judged is not None and not any(first <= frame <= last for first, last in self.judged):
            return FrameTruth(None, regions=None)
        spans = [span for span in self.spans if span.first <= frame <= span.last]
        if not spans:
            return FrameTruth(abnormal=False)
        kinds = tuple(dict.fromkeys(span.kind for span in spans))
        labels = self.labels(frame) if self.labels is not None else None
        regions = self._regions(frame, spans, labels, longest)
        ignored = None if labels is None or not (labels == IGNORED).any() else _shrink(labels == IGNORED, longest)
        return FrameTruth(abnormal=True, kinds=kinds, regions=regions, ignored=ignored)

    def _regions(
        self, frame: int, spans: Sequence[Span], labels: Labels | None, longest: int
    ) -> tuple[Region, ...] | None:
        """Boxes name instances and masks give shapes: with both, a region is the mask inside the box."""
        kinds = {span.id: span.kind for span in spans}
        abnormal = None if labels is None else labels == ABNORMAL
        named: Sequence[tuple[str | None, Mask]]
        if boxes := self.boxes.get(frame):
            shape = labels.shape if labels is not None else self.size
            if shape is None:
                return None
            named = [(id_, _inside(box, (shape[0], shape[1]), abnormal)) for id_, box in boxes]
        elif abnormal is not None:
            only = spans[0].id if len(kinds) == 1 else None
            named = [(only, part) for part in components(abnormal)]
        else:
            return None
        shrunk = [(id_, _shrink(mask, longest)) for id_, mask in named if mask.any()]
        return tuple(Region(mask, kinds.get(id_ or "", spans[0].kind), id_) for id_, mask in shrunk)


def components(mask: Mask) -> list[Mask]:
    """The connected parts of a mask (8 neighbours), each bool [H, W]."""
    count, found, _, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    labels = np.asarray(found)
    return [labels == part for part in range(1, count)]


def _inside(box: Box, shape: tuple[int, int], mask: Mask | None) -> Mask:
    left, top, width, height = box
    inside = np.zeros(shape, np.bool_)
    inside[max(0, top) : top + height, max(0, left) : left + width] = True
    return inside if mask is None else inside & mask


def _shrink(mask: Mask, longest: int) -> Mask:
    """Scale a mask down; what was there stays there, with one pixel at least."""
    height, width = mask.shape
    share = longest / max(height, width)
    if share >= 1:
        return mask
    size = max(1, round(width * share)), max(1, round(height * share))
    cover = np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA))
    small: Mask = cover >= 0.5
    if not small.any() and cover.any():
        small[np.unravel_index(int(cover.argmax()), cover.shape)] = True
    return small
