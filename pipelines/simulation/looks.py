"""The same clip as a camera shows it that has something wrong with its picture: coded once, kept beside the clip."""

from __future__ import annotations

import math
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.errors import SourceError
from pipelines.simulation.encode import Encoder
from pipelines.simulation.faults import Look
from pipelines.simulation.feed import Showing
from pipelines.simulation.rtp import Clip, Picture, load_clip
from pipelines.simulation.scene.geometry import Image

SLOW_EVERY = 3
"""A slow camera sends one in so many frames."""
_NOISE, _NIGHT_NOISE = 2, 5
"""Largest steps of the sensor's noise: in a picture that shows nothing, and at the gain of the night."""
_STILL_BITS = 0.8
"""Bits a pixel of what is frozen: a key frame so good that what follows has little to mend."""
_OF_A_MOMENT: Final = ("frozen", "repeated")
_FREEZE_IN_S = 0.4
"""So long it takes to code what is frozen."""


class Wardrobe:
    """Keeps the looks of clips. May be asked by any thread."""

    def __init__(self, clips: Mapping[Path, Clip]) -> None:
        """The sound clips by their files."""
        self._clips = dict(clips)
        self._made: dict[tuple[Path, Look], Clip] = {}
        self._one_at_a_time = threading.Lock()

    def prepare(self, path: Path, look: Look) -> None:
        """Have a look made; does nothing for one that belongs to a moment."""
        if look not in _OF_A_MOMENT:
            self._dressed(path, look)

    def showing(self, path: Path, look: Look, number_at: Callable[[float], int]) -> Showing:
        """What a stream has to show for this look; `number_at` tells the number of its picture at a monotonic time.

        Raises:
            SourceError: It cannot be coded.
        """
        if look not in _OF_A_MOMENT:
            return Showing(self._dressed(path, look))
        clip, number = self._clips[path], number_at(time.monotonic() + _FREEZE_IN_S)
        return Showing(freeze(path, clip, number % len(clip.pictures), look), number)

    def _dressed(self, path: Path, look: Look) -> Clip:
        with self._one_at_a_time:
            if (path, look) not in self._made:
                self._made[path, look] = dress(path, self._clips[path], look)
            return self._made[path, look]


def dress(path: Path, clip: Clip, look: Look) -> Clip:
    """The clip of `path` with another look, picture for picture at the same times; made when it is not there yet.

    Raises:
        SourceError: It cannot be written beside the clip.
    """
    if look == "sound":
        return clip
    kept = path.with_name(f"{path.stem}.{look}.mp4")
    if not kept.exists() or kept.stat().st_mtime < path.stat().st_mtime:
        _encode(path, clip, look, kept)
    dressed = load_clip(kept)
    return _spread(clip, dressed) if look == "slow" else _in_step(clip, dressed, kept)


def freeze(path: Path, clip: Clip, index: int, look: Look) -> Clip:
    """A second of one picture of the clip: a key frame, then skipped ones; of `repeated` the key frame alone.

    Raises:
        SourceError: It cannot be coded.
    """
    picture = _picture(path, index)
    height, width = picture.shape[:2]
    with tempfile.TemporaryDirectory(prefix="vigil-") as folder:
        still = Path(folder) / "still.mp4"
        encoder = Encoder(still, (width, height), clip.fps, bitrate=round(width * height * clip.fps * _STILL_BITS))
        try:
            for _ in range(max(1, round(clip.fps))):
                encoder.add(picture)
        finally:
            encoder.close()
        frozen = load_clip(still)
    count = 1 if look == "repeated" else len(frozen.pictures)
    return replace(frozen, pictures=frozen.pictures[:count], ticks=frozen.ticks[:count])


def _encode(path: Path, clip: Clip, look: Look, kept: Path) -> None:
    """Code the whole clip with the look; the file takes its name when it is whole."""
    every = SLOW_EVERY if look == "slow" else 1
    size = _other_size(clip) if look == "resized" else (clip.width, clip.height)
    change = _CHANGES.get(look, _same)
    unfinished = kept.with_name(f".{os.getpid()}.{kept.name}")
    encoder = Encoder(unfinished, size, clip.fps / every, key_interval_s=clip.key_interval_s)
    try:
        for number, pixels in enumerate(_pictures(path)):
            if number % every == 0:
                changed = change(pixels, number)
                encoder.add(changed if look != "resized" else _as_image(cv2.resize(changed, size)))
        encoder.close()
        unfinished.replace(kept)
    except OSError as error:
        raise SourceError(f"cannot write {kept}: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _pictures(path: Path) -> Iterator[Image]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)


def _picture(path: Path, index: int) -> Image:
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number == index:  # the others are not made pictures of: that takes longer than decoding them
                return frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    raise SourceError(f"{path} has no picture {index}")


def _in_step(clip: Clip, dressed: Clip, kept: Path) -> Clip:
    if len(dressed.pictures) != len(clip.pictures):
        raise SourceError(f"{kept} has another number of pictures than its clip: delete it")
    return dressed


def _spread(clip: Clip, slow: Clip) -> Clip:
    """A slow clip with empty pictures where a sound one would have sent some."""
    pictures = [Picture(tick, keyframe=False, payloads=()) for tick in clip.ticks]
    for number, picture in enumerate(slow.pictures):
        if number * SLOW_EVERY < len(pictures):
            pictures[number * SLOW_EVERY] = replace(picture, ticks=clip.ticks[number * SLOW_EVERY])
    return replace(slow, pictures=tuple(pictures), ticks=clip.ticks)


def _other_size(clip: Clip) -> tuple[int, int]:
    """Three quarters, in even numbers."""
    return clip.width * 3 // 8 * 2, clip.height * 3 // 8 * 2


def _same(pixels: Image, _number: int) -> Image:
    return pixels


def _as_image(pixels: np.ndarray) -> Image:
    return np.ascontiguousarray(np.clip(pixels, 0, 255), np.uint8)


def _flat(level: float) -> Callable[[Image, int], Image]:
    def flat(pixels: Image, number: int) -> Image:
        return _as_image(np.float32(level) + _noise(pixels.shape, number, _NOISE))

    return flat


def _noise(shape: tuple[int, ...], number: int, most: int) -> NDArray[np.int16]:
    """Another one for each picture, the same each time."""
    return np.random.default_rng(number).integers(-most, most, shape, np.int8, endpoint=True).astype(np.int16)


def _blurred(pixels: Image, _number: int) -> Image:
    return _as_image(cv2.GaussianBlur(pixels, (0, 0), pixels.shape[1] / 80))


def _covered(pixels: Image, number: int) -> Image:
    """A hand or a spray a finger's breadth away: dark, without an edge, brighter to one side."""
    height, width = pixels.shape[:2]
    shade = np.broadcast_to(np.linspace(25, 60, width)[None, :, None], (height, width, 3)) * (1.0, 0.85, 0.8)
    return _as_image(shade + _noise(shade.shape, number, _NOISE))


def _shaken(pixels: Image, number: int) -> Image:
    """Two sways that are not in step, of a hundredth of the picture."""
    reach = pixels.shape[1] / 100
    return _shifted(pixels, reach * math.sin(2.1 * number), 0.7 * reach * math.sin(3.3 * number + 1))


def _moved(pixels: Image, _number: int) -> Image:
    return _shifted(pixels, pixels.shape[1] / 5, pixels.shape[0] / 12)


def _shifted(pixels: Image, right: float, down: float) -> Image:
    """What leaves on one side is mirrored in on the other."""
    height, width = pixels.shape[:2]
    matrix = np.array([[1, 0, right], [0, 1, down]], np.float32)
    return _as_image(cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_REFLECT))


def _infrared(pixels: Image, number: int) -> Image:
    """Grey, lit by lamps around the lens, with the noise of a high gain."""
    height, width = pixels.shape[:2]
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    across, down = np.linspace(-1, 1, width)[None, :], np.linspace(-1, 1, height)[:, None]
    lamp = 1.15 - 0.55 * (across**2 + down**2) / 2
    noisy = (30 + 0.75 * grey) * lamp + _noise(grey.shape, number, _NIGHT_NOISE)
    return _as_image(np.repeat(noisy[:, :, None], 3, axis=2))


_CHANGES: dict[Look, Callable[[Image, int], Image]] = {
    "black": _flat(4),
    "white": _flat(251),
    "blurred": _blurred,
    "covered": _covered,
    "shaken": _shaken,
    "moved": _moved,
    "infrared": _infrared,
}
