"""Small footage with truth that every row of the ablation is judged on. Rendered or read once and kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

import pipelines.simulation.scene
from engines.contract import Pixels
from pipelines.simulation.scene import Scene, plan_anomalies

SIZE: Final = (256, 256)
SCENE_STEP: Final = 18
"""Every so many frames of a generated view at 15 a second are looked at."""
_LEARN_S, _TEST_S = 100, 125
_OFFICE_STEP, _OFFICE_TEST_STEP, _OFFICE_FPS = 5, 20, 25
_OFFICE_LEARNT, _OFFICE_NORMAL = 400, 581
_TILES_LEARNT = 80
_TILES_STEP = 2
"""Every so many defects of each kind."""
_PED1_FPS, _PED1_STEP = 10, 12
_PED1_TEST: Final = range(1, 18, 2)
_APART_S: Final = 1000.0
"""Clips lie so far apart on the clock that nothing reaches from one to the next."""
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


def footage(name: str, data: Path | None, keep: Path) -> Footage | None:
    """Make or read a set: `sceneN` (generated view N), or `tiles`, `office`, `ped1` of the folder `data`.

    What was made once is read from the folder `keep`. None when `data` does not have the set.
    """
    readers: Mapping[str, tuple[str, Callable[[Path], Footage]]] = {
        "tiles": ("magnetic_tile", tiles),
        "office": ("cdnet_office", office),
        "ped1": ("ucsd_ped1", ped1),
    }
    if not name.startswith("scene") and name not in readers:
        raise SystemExit(f"{name} is not a set: there are scene0, scene1, ..., {', '.join(readers)}")
    kept = keep / f"{name}-{_code()}.npz"
    if kept.exists():
        return _load(kept)
    if name.startswith("scene"):
        made = scene(int(name.removeprefix("scene")))
    else:
        folder, read_set = readers[name]
        if data is None or not (data / folder).is_dir():
            return None
        made = read_set(data / folder)
    _save(kept, made)
    return made


def _code() -> str:
    """Changes with this file and the generated scene."""
    files = [Path(__file__), *sorted(Path(pipelines.simulation.scene.__path__[0]).rglob("*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def _save(path: Path, made: Footage) -> None:
    known = np.array([mask is not None for mask in made.masks])
    masks = np.stack([np.zeros(_MASK, np.bool_) if mask is None else mask for mask in made.masks])
    arrays = {
        "learn": made.learn,
        "learn_s": np.array(made.learn_s),
        "test": made.test,
        "test_s": np.array(made.test_s),
        "masks": masks,
        "known": known,
        "still": np.array(made.still),
    }
    np.savez(path, allow_pickle=False, **arrays)


def _load(path: Path) -> Footage:
    with np.load(path) as file:
        masks = [mask if known else None for mask, known in zip(file["masks"], file["known"], strict=True)]
        times = (file["learn_s"].tolist(), file["test_s"].tolist())
        return Footage(file["learn"], times[0], file["test"], times[1], masks, bool(file["still"]))


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


def tiles(folder: Path) -> Footage:
    """Magnetic tiles: the first 80 good ones learnt; the other 50 and every second blowhole and break tested."""
    good = sorted((folder / "Free").glob("*.jpg"))
    bad = [file for kind in ("Blowhole", "Break") for file in sorted((folder / kind).glob("*.jpg"))[::_TILES_STEP]]
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


def office(folder: Path) -> Footage:
    """An office: 400 frames learnt, every fifth of them; the rest tested, every twentieth."""
    frames = list(film(folder / "office.mp4", _OFFICE_STEP))
    learnt = [(number, frame) for number, frame in frames if number <= _OFFICE_LEARNT]
    tested = [each for each in frames[len(learnt) :] if each[0] % _OFFICE_TEST_STEP == 0]
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


def ped1(folder: Path) -> Footage:
    """UCSD Ped1, every twelfth frame: the normal stretches learnt; clips 1, 3, ..., 17 tested, as whole frames."""
    stretches = re.findall(r"video(\d+)\.avi#t=([\d.]+),([\d.]+)", (folder / "normal.txt").read_text())
    learnt = [
        (index * _APART_S + number / _PED1_FPS, frame)
        for index, (clip, start, end) in enumerate(stretches)
        for number, frame in film(folder / f"video{clip}.avi", _PED1_STEP)
        if float(start) <= (number - 1) / _PED1_FPS < float(end)
    ]
    ranges = _ped1_ranges(folder)
    tested = [(clip, *each) for clip in _PED1_TEST for each in film(folder / f"video{clip}.avi", _PED1_STEP)]
    return Footage(
        np.stack([frame for _, frame in learnt]),
        [time_s for time_s, _ in learnt],
        np.stack([frame for _, _, frame in tested]),
        [clip * _APART_S + number / _PED1_FPS for clip, number, _ in tested],
        [
            None if any(first <= number <= last for first, last in ranges[clip - 1]) else np.zeros(_MASK, np.bool_)
            for clip, number, _ in tested
        ],
    )


def _ped1_ranges(folder: Path) -> Sequence[Sequence[tuple[int, int]]]:
    """Abnormal frames of each clip, from 1 on, both ends inclusive."""
    lines = [line for line in (folder / "UCSDped1.m").read_text().splitlines() if "gt_frame" in line]
    return [[(int(first), int(last)) for first, last in re.findall(r"(\d+):(\d+)", line)] for line in lines]


def film(path: Path, step: int) -> Iterator[tuple[int, Pixels]]:
    """Every so many frames of a film, each with its number, from 1 on."""
    capture = cv2.VideoCapture(str(path))
    number = 0
    while capture.grab():
        number += 1
        if number % step == 0:
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
