"""A corpus encoded once: the backbone is frozen, so everything after it can be trained on its outputs from disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import torch
from torch import Tensor

from engines.contract import Floats, Pixels
from engines.errors import EngineError
from engines.learning.corpus import Family
from engines.learning.moments import Moments
from engines.network.decoder import PICTURE_SIZE
from engines.network.encoder import PLACES

_BATCH = 8


class FeatureSource(Protocol):
    """What gives raw features: an `Encoder`, or something that knows them."""

    def raw_features(self, pixels: Tensor) -> Tensor:
        """Map uint8 [N, H, W, 3] RGB to float32 [N, F, h, w] before standardisation."""


class EncodedCorpus:
    """Raw features (float16 on disk) of families of pictures, small pictures, and the pictures' moments.

    400 KB a version. Features are stored before standardisation, since the moments are known only at the end.
    `capacity` counts families; each has 1 picture, `views` views and `spoilt` spoilt versions, in this order.
    """

    def __init__(self, folder: Path, capacity: int, *, channels: int, views: int = 0, spoilt: int = 0) -> None:
        self.moments = Moments(channels)
        self.views, self.spoilt = views, spoilt
        self._count = 0
        shape = (capacity, 1 + views + spoilt, *PLACES, channels)
        self._features = np.lib.format.open_memmap(folder / "features.npy", "w+", np.float16, shape)
        self._pictures = np.empty((capacity, *PICTURE_SIZE, 3), np.uint8)
        self.windows: Floats = np.zeros((capacity, 1 + views, 3), np.float32)
        """float32 [capacity, 1 + views, 3]: see `views.View`."""
        self.shares: Floats = np.zeros((capacity, spoilt, *PLACES), np.float32)
        """float32 [capacity, spoilt, h, w]: how much of each place is spoilt."""

    def __len__(self) -> int:
        return self._count

    def fill(self, encoder: FeatureSource, families: Iterator[Family], progress: Callable[[int], None]) -> None:
        """Encode families to the corpus's capacity. Raises `EngineError` when there are none."""
        size = self._features.shape[1]
        while batch := list(islice(families, min(_BATCH, len(self._pictures) - self._count))):
            end = self._count + len(batch)
            for version in range(size):
                raw = _encode(encoder, [family.pixels[version] for family in batch])
                self._features[self._count : end, version] = raw
                if version == 0:
                    self.moments.add(raw)
            self._pictures[self._count : end] = [_shrink(family.pixels[0]) for family in batch]
            self.windows[self._count : end] = [family.windows for family in batch]
            self.shares[self._count : end] = [family.spoilt for family in batch]
            self._count = end
            progress(end)
        if not self._count:
            raise EngineError("there is no picture to learn from: give the recipe at least 8 pictures")

    def raw(self, indices: Sequence[int], version: int = 0) -> Tensor:
        """Raw features of a version of some pictures, float32 [N, h, w, F]."""
        return torch.from_numpy(self._features[list(indices), version].astype(np.float32))

    def pictures(self, indices: Sequence[int]) -> Tensor:
        """Small pictures, float32 [N, P, P, 3] in 0..1."""
        return torch.from_numpy(self._pictures[list(indices)]).to(torch.float32) / 255


@torch.no_grad()
def _encode(encoder: FeatureSource, pixels: list[Pixels]) -> np.ndarray:
    encoded = encoder.raw_features(torch.from_numpy(np.stack(pixels)))
    return np.asarray(encoded.permute(0, 2, 3, 1).numpy().astype(np.float16))


def _shrink(picture: Pixels) -> Pixels:
    return np.asarray(cv2.resize(picture, PICTURE_SIZE[::-1], interpolation=cv2.INTER_AREA), np.uint8)
