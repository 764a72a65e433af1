"""A small place with people walking through it, for tests that need footage: cheap, and the same each time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

SIZE = (320, 240)
FPS = 10


def walkers(seconds: float, *, intruder: tuple[float, float] | None = None, seed: int = 1) -> Iterator[Picture]:
    """Frames uint8 [240, 320, 3] RGB at 10 a second: people walk along a path.

    Between the two seconds of `intruder` a large bright thing rushes across the lawn.
    """
    noise = np.random.default_rng(seed)
    backdrop = _backdrop()
    for number in range(round(seconds * FPS)):
        time_s = number / FPS
        picture = backdrop.copy()
        for lane, (pace, tone) in enumerate(((22, 60), (-17, 90), (27, 40))):
            x = int(40 + lane * 110 + pace * time_s + 3 * np.sin(5 * time_s + lane)) % (SIZE[0] + 40) - 20
            cv2.ellipse(picture, (x, 150 + 14 * lane), (6, 16), 0, 0, 360, (tone, tone, tone + 30), -1, cv2.LINE_AA)
        if intruder is not None and intruder[0] <= time_s < intruder[1]:
            x = int(160 * (time_s - intruder[0])) % SIZE[0]
            cv2.rectangle(picture, (x - 35, 40), (x + 35, 95), (250, 220, 40), -1)
        grain = noise.integers(-4, 5, picture.shape, dtype=np.int16)
        yield np.clip(picture + grain, 0, 255).astype(np.uint8)


def write_clip(path: Path, frames: Iterable[Picture], fps: int = FPS) -> Path:
    """Encode frames as H.264 with a key frame each second, as cameras send it; returns the path."""
    with av.open(str(path), "w") as container:
        options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "20", "g": str(fps)}
        stream = container.add_stream("libx264", rate=Fraction(fps), options=options)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


def _backdrop() -> Picture:
    """A wall, a lawn and a path, with texture."""
    rough = np.random.default_rng(0).integers(-18, 19, (SIZE[1], SIZE[0], 3), dtype=np.int16)
    rough = np.asarray(cv2.GaussianBlur(rough.astype(np.float32), (0, 0), 2) * 3, np.float32)
    picture = np.full((SIZE[1], SIZE[0], 3), (90, 130, 80), np.float32)
    picture[:60] = (150, 140, 130)
    picture[125:210] = (170, 165, 160)
    return np.asarray(np.clip(picture + rough, 0, 255), np.uint8)
