"""A corpus encoded once: the encoder is frozen, so the decoder can be trained on its outputs from disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch

from engines.contract import Pixels
from engines.errors import EngineError
from engines.learning.corrupt import Lesson
from engines.learning.moments import Moments, Whitening
from engines.network.decoder import PICTURE_SIZE
from engines.network.encoder import FEATURE_CHANNELS, PLACES, Encoder

_BATCH = 8


class EncodedCorpus:
    """Raw features (float16 on disk) and small pictures of a corpus, with their moments.

    400 KB a picture. Features are stored before standardisation, since the moments are known only at the end.
    """

    def __init__(self, folder: Path, capacity: int) -> None:
        self.moments = Moments(FEATURE_CHANNELS)
        self._count = 0
        shape = (capacity, *PLACES, FEATURE_CHANNELS)
        self._features = np.lib.format.open_memmap(folder / "features.npy", "w+", np.float16, shape)
        self._pictures = np.empty((capacity, *PICTURE_SIZE, 3), np.uint8)

    def __len__(self) -> int:
        return self._count

    @torch.no_grad()
    def fill(self, encoder: Encoder, pictures: Iterator[Pixels], progress: Callable[[int], None]) -> None:
        """Encode pictures uint8 [256, 256, 3] to the corpus's capacity. Raises `EngineError` when there are none."""
        while batch := list(islice(pictures, min(_BATCH, len(self._pictures) - self._count))):
            end = self._count + len(batch)
            encoded = encoder.raw_features(torch.from_numpy(np.stack(batch)))
            raw = encoded.permute(0, 2, 3, 1).numpy().astype(np.float16)
            self._features[self._count : end] = raw
            self._pictures[self._count : end] = [_shrink(picture) for picture in batch]
            self.moments.add(raw)
            self._count = end
            progress(end)
        if not self._count:
            raise EngineError("there is no picture to learn from: give the recipe at least 8 pictures")

    def lesson(self, indices: list[int], whitening: Whitening) -> Lesson:
        """Read some pictures as uncorrupted training pairs."""
        raw = torch.from_numpy(self._features[indices].astype(np.float32))
        features = (raw - torch.from_numpy(whitening.mean)) * torch.from_numpy(whitening.scale)
        latent = features @ torch.from_numpy(whitening.whiten).T
        picture = torch.from_numpy(self._pictures[indices]).to(torch.float32) / 255
        return Lesson(latent, features, picture)


def _shrink(picture: Pixels) -> Pixels:
    return np.asarray(cv2.resize(picture, PICTURE_SIZE[::-1], interpolation=cv2.INTER_AREA), np.uint8)
