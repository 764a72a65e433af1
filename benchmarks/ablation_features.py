"""The frozen encoder's features, computed once a picture: rows share most pictures and all of their footage."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engines.contract import Decoded, Encoded, EngineInfo, Floats, NetworkSpec, Pixels
from engines.learning.assemble import build_decoder
from engines.learning.export import export_network
from engines.learning.recipe import Recipe
from engines.learning.train import fresh_encoder
from engines.network.encoder import PLACES, Encoder
from engines.network.files import Network
from engines.runtime.openvino import OpenVinoEngine

Halves = NDArray[np.float16]
Encode = Callable[[Pixels], Floats]
_KEY: Final = 16
"""Bytes of a picture's hash."""


class FrozenFeatures:
    """Raw features of pictures, float16, in a file of records: a picture's hash, then its features.

    The file outlives the run, and several runs may share it. `encode` maps uint8 [1, 256, 256, 3] to float
    [1, h, w, F]; without one, the recipe's encoder by OpenVINO does.
    """

    def __init__(self, recipe: Recipe, folder: Path, encode: Encode | None = None) -> None:
        self._recipe, self._encode = recipe, encode
        self._shape = (*PLACES, recipe.shape.feature_channels)
        self._bytes = _KEY + int(np.prod(self._shape)) * 2
        self._path = folder / f"{recipe.size}.features"
        self._known: dict[bytes, int] = {}
        self._path.touch()
        with self._path.open("rb") as file:
            for start in range(0, self._path.stat().st_size - self._bytes + 1, self._bytes):
                file.seek(start)
                self._known[file.read(_KEY)] = start

    def of(self, pixels: Pixels) -> Halves:
        """Raw features of uint8 [N, 256, 256, 3]: float16 [N, h, w, F]."""
        return np.stack([self._one(picture) for picture in pixels])

    def raw_features(self, pixels: Tensor) -> Tensor:
        """The same in the form that `Encoder.raw_features` has."""
        return torch.from_numpy(self.of(pixels.numpy())).to(torch.float32).permute(0, 3, 1, 2)

    def _one(self, picture: Pixels) -> Halves:
        key = hashlib.blake2b(picture.tobytes(), digest_size=_KEY).digest()
        if key not in self._known:
            made: Halves = self._encoder()(picture[None])[0].astype(np.float16)
            self._append(key, made)
            return made
        with self._path.open("rb") as file:
            file.seek(self._known[key] + _KEY)
            row = file.read(self._bytes - _KEY)
        return np.frombuffer(bytearray(row), np.float16).reshape(self._shape)

    def _append(self, key: bytes, row: Halves) -> None:
        """Add a record at the end, over one that was cut off; another run waits meanwhile."""
        with self._path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = file.seek(0, os.SEEK_END)
            start = file.seek(end - end % self._bytes)
            file.write(key + row.tobytes())
        self._known[key] = start

    def _encoder(self) -> Encode:
        if self._encode is None:
            self._encode = _compiled(self._recipe)
        return self._encode


def _compiled(recipe: Recipe) -> Encode:
    """An encoder to which nothing was fitted: what it gives as standardised features are the raw ones."""
    plain = export_network(fresh_encoder(recipe), build_decoder(recipe), {})
    engine = OpenVinoEngine(plain, precision="f32", threads=1)
    engine.open()
    return lambda pixels: engine.encode(pixels).features


class SharedEngine:
    """An `engines.contract.Engine`: stored features, the row's bottleneck on them, and its decoder by OpenVINO."""

    def __init__(self, network: Network, encoder: Encoder, frozen: FrozenFeatures) -> None:
        self._encoder, self._frozen = encoder, frozen
        self._inner = OpenVinoEngine(network, precision="f32", threads=1)
        self.open, self.close = self._inner.open, self._inner.close

    @property
    def info(self) -> EngineInfo:
        """Which engine decodes."""
        return self._inner.info

    @property
    def spec(self) -> NetworkSpec:
        """Sizes of the network's tensors."""
        return self._inner.spec

    @torch.no_grad()
    def encode(self, pixels: Pixels) -> Encoded:
        """Encode uint8 [N, 256, 256, 3]."""
        made = self._encoder.conclude(self._frozen.raw_features(torch.from_numpy(pixels.copy())))
        return Encoded(made.latent.contiguous().numpy(), made.features.contiguous().numpy())

    def decode(self, latent: Floats) -> Decoded:
        """Decode float32 [N, h, w, C]."""
        return self._inner.decode(latent)
