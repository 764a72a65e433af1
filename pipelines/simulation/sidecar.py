"""The truth about a clip, in two files beside it: one to read, one with the masks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from engines.npz import read_npz
from engines.quoting import shortened
from pipelines.errors import SourceRefused
from pipelines.simulation.scene import FrameTruth, Instance, Kind, Planted, Scene

Side: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=16_384)]


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """One anomaly in one frame: frame, id, left, top, width, height, visible pixels."""

    frame: int
    id: str
    left: int
    top: int
    width: int
    height: int
    area: int


class PlantedSpan(msgspec.Struct, frozen=True, kw_only=True):
    """One planted anomaly as it is seen in a clip."""

    kind: Kind
    id: str
    first_s: float
    """First frame that shows it, seconds from the clip's start."""
    last_s: float
    """Last frame that shows it."""


class ClipTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What there is in a clip. Written as ``CLIP.truth.json``; the masks lie in ``CLIP.masks.npz``."""

    view: int
    seed: int
    fps: float
    width: Side
    height: Side
    frames: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]
    planted: tuple[PlantedSpan, ...]
    seen: tuple[Seen, ...]

    @property
    def flagged(self) -> NDArray[np.bool_]:
        """bool [frames]: whether a frame shows an anomaly."""
        flags = np.zeros(self.frames, np.bool_)
        flags[[one.frame for one in self.seen]] = True
        return flags

    def during(self, clip_s: float, slack_s: float = 0.0) -> tuple[PlantedSpan, ...]:
        """The planted anomalies that are to be seen at a time in the clip, or within `slack_s` of it."""
        return tuple(one for one in self.planted if one.first_s - slack_s <= clip_s <= one.last_s + slack_s)


@dataclass(frozen=True, slots=True)
class _Mask:
    frame: int
    bits: NDArray[np.uint8]


class TruthRecorder:
    """Takes the truth of frame after frame and writes it beside the clip."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._frames = 0
        self._seen: list[Seen] = []
        self._masks: list[_Mask] = []

    def add(self, truth: FrameTruth) -> None:
        """The next frame's truth."""
        for one in truth.instances:
            self._seen.append(Seen(self._frames, one.id, *one.box, one.area))
        if truth.flagged:
            self._masks.append(_Mask(self._frames, np.packbits(truth.mask > 0)))
        self._frames += 1

    def write(self, clip: Path) -> ClipTruth:
        """Write both files; returns what the readable one holds."""
        scene = self._scene
        width, height = scene.size
        truth = ClipTruth(
            view=scene.view,
            seed=scene.seed,
            fps=scene.fps,
            width=width,
            height=height,
            frames=self._frames,
            planted=tuple(span for one in scene.anomalies if (span := self._span(one)) is not None),
            seen=tuple(self._seen),
        )
        truth_path(clip).write_bytes(msgspec.json.encode(truth))
        bits = np.array([one.bits for one in self._masks], np.uint8).reshape(len(self._masks), -(-width * height // 8))
        frames = np.array([one.frame for one in self._masks], np.int64)
        np.savez_compressed(masks_path(clip), frames=frames, bits=bits)
        return truth

    def _span(self, planted: Planted) -> PlantedSpan | None:
        frames = [one.frame for one in self._seen if one.id == planted.id]
        if not frames:
            return None
        fps = self._scene.fps
        return PlantedSpan(kind=planted.kind, id=planted.id, first_s=frames[0] / fps, last_s=frames[-1] / fps)


def truth_path(clip: Path) -> Path:
    """Where the readable truth of a clip lies."""
    return clip.with_name(clip.name + ".truth.json")


def masks_path(clip: Path) -> Path:
    """Where the masks of a clip lie."""
    return clip.with_name(clip.name + ".masks.npz")


def load_truth(clip: Path) -> ClipTruth:
    """Read the truth of a clip.

    Raises:
        SourceRefused: There is none, or it is not one.
    """
    path = truth_path(clip)
    try:
        truth = msgspec.json.decode(path.read_bytes(), type=ClipTruth)
    except (OSError, ValueError, RecursionError) as error:
        raise SourceRefused(f"{path} is not the truth of a clip: {shortened(error)}") from error
    known = {one.id for one in truth.planted}
    if not all(0 <= one.frame < truth.frames and one.id in known for one in truth.seen):
        raise SourceRefused(f"{path} is not the truth of a clip: it tells of frames or anomalies that are not in it")
    return truth


def load_masks(clip: Path, truth: ClipTruth) -> dict[int, NDArray[np.uint8]]:
    """The masks of the flagged frames by frame: uint8 [H, W], 255 where an anomaly is.

    Raises:
        SourceRefused: There are none, or they cannot be read.
    """
    size = truth.width * truth.height
    try:
        stored = read_npz(masks_path(clip).read_bytes())
        return {
            int(frame): (np.unpackbits(row, count=size) * 255).reshape(truth.height, truth.width)
            for frame, row in zip(stored["frames"], stored["bits"], strict=True)
        }
    except (OSError, KeyError, TypeError, ValueError, OverflowError, MemoryError) as error:
        raise SourceRefused(f"{masks_path(clip)} holds no masks of this clip: {shortened(error)}") from error


def frame_instances(truth: ClipTruth, frame: int) -> tuple[Instance, ...]:
    """The instances in one frame."""
    kinds: dict[str, Any] = {one.id: one.kind for one in truth.planted}
    return tuple(
        Instance(kinds[one.id], one.id, (one.left, one.top, one.width, one.height), one.area)
        for one in truth.seen
        if one.frame == frame
    )
