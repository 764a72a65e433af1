"""Small footage with truth that every row of the ablation is judged on. Rendered or read once a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.contract import Pixels
from pipelines.simulation.scene import Scene, plan_anomalies

SIZE: Final = (256, 256)
SCENE_STEP: Final = 7
"""Every so many frames of a generated view at 15 a second are looked at."""
_LEARN_S, _TEST_S = 100, 125
_OFFICE_STEP, _OFFICE_FPS = 5, 25
_OFFICE_LEARNT, _OFFICE_NORMAL = 400, 581
_TILES_LEARNT = 80
_MASK: Final = (128, 128)

Masks = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Footage:
    """What is learnt and what is tested."""

    learn: Pixels
    """uint8 [n, 256, 256, 3]."""
    learn_s: list[float]
    test: Pixels
    """uint8 [m, 256, 256, 3]."""
    test_s: list[float]
    masks: list[Masks | None]
    """bool [128, 128] of each frame tested; None where a frame is abnormal and nobody knows where."""
    still: bool = False

    @property
    def abnormal(self) -> NDArray[np.bool_]:
        """bool [m]."""
        return np.array([mask is None or bool(mask.any()) for mask in self.masks])


def footage(name: str, data: Path | None) -> Footage:
    """Make or read a set: `sceneN` (generated view N), or `tiles` or `office` of the folder `data`."""
    if name.startswith("scene"):
        return scene(int(name.removeprefix("scene")))
    readers: Mapping[str, Callable[[Path], Footage]] = {"tiles": tiles, "office": office}
    if name not in readers or data is None:
        raise SystemExit(f"{name}: not a set, or it needs --data; there are scene0, scene1, ..., tiles, office")
    return readers[name](data)


def scene(view: int) -> Footage:
    """A generated view, learnt on normal minutes and tested on others with planted anomalies."""
    normal = Scene(view, seed=1)
    strange = Scene(view, seed=2, anomalies=plan_anomalies(view, _TEST_S, seed=2))
    learnt = range(0, int(_LEARN_S * normal.fps), SCENE_STEP)
    tested = range(0, int(_TEST_S * strange.fps), SCENE_STEP)
    pairs = [strange.at(index) for index in tested]
    return Footage(
        np.stack([fit(normal.frame(index)) for index in learnt]),
        [index / normal.fps for index in learnt],
        np.stack([fit(frame) for frame, _ in pairs]),
        [index / strange.fps for index in tested],
        [_mask(truth.mask) for _, truth in pairs],
    )


def tiles(data: Path) -> Footage:
    """Magnetic tiles: the first 80 good ones learnt; the other 50, blowholes and breaks tested."""
    folder = data / "magnetic_tile"
    good = sorted((folder / "Free").glob("*.jpg"))
    bad = [file for kind in ("Blowhole", "Break") for file in sorted((folder / kind).glob("*.jpg"))]
    tested = [*good[_TILES_LEARNT:], *bad]
    masks: list[Masks | None] = [np.zeros(_MASK, np.bool_) for _ in good[_TILES_LEARNT:]]
    masks += [_mask(read_grey(file.with_suffix(".png"))) for file in bad]
    return Footage(
        np.stack([fit(read(file)) for file in good[:_TILES_LEARNT]]),
        [float(number) for number in range(_TILES_LEARNT)],
        np.stack([fit(read(file)) for file in tested]),
        [float(number) for number in range(len(tested))],
        masks,
        still=True,
    )


def office(data: Path) -> Footage:
    """An office: 400 frames learnt, the rest tested, every fifth of both, which are those with masks."""
    folder = data / "cdnet_office"
    learnt: list[tuple[int, Pixels]] = []
    tested: list[tuple[int, Pixels]] = []
    for number, frame in film(folder / "office.mp4"):
        (learnt if number <= _OFFICE_LEARNT else tested).append((number, frame))
    return Footage(
        np.stack([frame for _, frame in learnt]),
        [number / _OFFICE_FPS for number, _ in learnt],
        np.stack([frame for _, frame in tested]),
        [number / _OFFICE_FPS for number, _ in tested],
        [_office_mask(folder / "masks", number) for number, _ in tested],
    )


def _office_mask(folder: Path, number: int) -> Masks:
    if number <= _OFFICE_NORMAL:
        return np.zeros(_MASK, np.bool_)
    return _mask(np.where(read_grey(folder / f"gt{number:06d}.png") == 255, 255, 0).astype(np.uint8))


def film(path: Path) -> Iterator[tuple[int, Pixels]]:
    """Every fifth frame of a film with its number, from 1 on."""
    capture = cv2.VideoCapture(str(path))
    number = 0
    while capture.grab():
        number += 1
        if number % _OFFICE_STEP == 0:
            _, frame = capture.retrieve()
            yield number, fit(np.asarray(frame[..., ::-1], np.uint8))
    capture.release()


def fit(picture: Pixels) -> Pixels:
    """Bring a picture to the network's size."""
    return np.asarray(cv2.resize(picture, SIZE[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def read(path: Path) -> Pixels:
    """Read a picture, RGB."""
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1], np.uint8)  # type: ignore[index]  # it is there


def read_grey(path: Path) -> Pixels:
    """Read a mask."""
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)


def _mask(mask: Pixels) -> Masks:
    small = cv2.resize(mask, _MASK[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(small > 127) if (small > 127).any() else np.asarray(small > 0)
