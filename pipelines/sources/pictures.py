"""Frames of a folder of pictures: unrelated stills, or a film when a rate is given."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from engines.contract import Pixels
from engines.quoting import shortened
from pipelines.errors import SourceRefused
from pipelines.sources.convert import resize
from pipelines.sources.fragment import WHOLE, Stretch
from pipelines.sources.pacing import Pacer
from pipelines.sources.settings import SourceSettings
from pipelines.sources.source import Sample

_ROUNDING_S = 0.001


class PicturesSource:
    """Reads pictures in the order given. With `settings.fps` they are a film and picture i bears the time i / fps."""

    def __init__(
        self, files: Sequence[Path], settings: SourceSettings, input_size: tuple[int, int], stretch: Stretch = WHOLE
    ) -> None:
        self.still = settings.fps is None
        self._input_size = input_size
        self._fps = settings.fps or 1.0
        self._pacer = Pacer() if settings.paced and not self.still else None
        numbered = list(enumerate(files))
        self._files = numbered if stretch == WHOLE else [(i, f) for i, f in numbered if self._inside(i, stretch)]
        self._next = 0

    def _inside(self, index: int, stretch: Stretch) -> bool:
        time_s = index / self._fps + min(_ROUNDING_S, 0.25 / self._fps)
        return stretch.start_s <= time_s and (stretch.end_s is None or time_s < stretch.end_s)

    @property
    def size_hint(self) -> int | None:
        """How many pictures there are."""
        return len(self._files)

    def open(self) -> None:
        """Nothing to hold open."""

    def read(self, patience_s: float | None = None) -> Sample | None:  # noqa: ARG002 - a picture is there or not
        """The next picture; None after the last. Raises SourceRefused when one cannot be read."""
        if self._next == len(self._files):
            return None
        index, path = self._files[self._next]
        self._next += 1
        time_s = index / self._fps
        if self._pacer is not None:
            self._pacer.wait(time_s)
        picture = read_picture(path)
        captured_ns, wall_s = time.monotonic_ns(), time.time()
        return Sample(resize(picture, self._input_size), time_s, captured_ns, wall_s, lambda: picture)

    def close(self) -> None:
        """Nothing was held open."""


def read_picture(path: Path) -> Pixels:
    """A picture file as uint8 [H, W, 3] RGB, upright: grey is spread, 16 bits are cut to 8, alpha is left out."""
    try:
        data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except OSError as error:
        raise SourceRefused(f"{shortened(path)}: cannot be read: {(error.strerror or 'unknown').lower()}") from None
    try:
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if data.size else None
    except cv2.error:  # absurdly large
        picture = None
    if picture is None:
        raise SourceRefused(f"{shortened(path)}: not a picture that can be read; repair it or take it away")
    return np.asarray(picture, dtype=np.uint8)
