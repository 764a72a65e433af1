"""The frozen half of training: what features and latents pictures have, once whitening and bottleneck are settled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from engines.learning.corrupt import Lesson
from engines.learning.encoded import EncodedCorpus
from engines.learning.moments import Whitening
from engines.network.bottleneck import Bottleneck

_BATCH = 8
_MOST_FOR_BACK = 400


class Codes:
    """Features and latents of an encoded corpus."""

    def __init__(self, corpus: EncodedCorpus, whitening: Whitening, bottleneck: Bottleneck | None = None) -> None:
        self.corpus = corpus
        self.bottleneck = bottleneck
        self._mean, self._scale, self._whiten = map(
            torch.from_numpy, (whitening.mean, whitening.scale, whitening.whiten)
        )
        self.back, self.explained = torch.from_numpy(whitening.back), whitening.explained
        if bottleneck is not None:
            self.back, self.explained = _way_back(self)

    def features(self, indices: Sequence[int], version: int = 0) -> Tensor:
        """Standardised features, float32 [N, h, w, F]."""
        return (self.corpus.raw(indices, version) - self._mean) * self._scale

    def linear(self, features: Tensor) -> Tensor:
        """Linear latents, float32 [N, h, w, C]."""
        return features @ self._whiten.T

    @torch.no_grad()
    def latent(self, features: Tensor) -> Tensor:
        """The latents that the encoder will give, float32 [N, h, w, C]."""
        linear = self.linear(features)
        if self.bottleneck is None:
            return linear
        learnt: Tensor = self.bottleneck(features.permute(0, 3, 1, 2), linear.permute(0, 3, 1, 2))
        return learnt.permute(0, 2, 3, 1)

    @torch.no_grad()
    def deviation(self, features: Tensor) -> Tensor:
        """How unsure a variational bottleneck is of its latents, float32 [N, h, w, C]."""
        assert self.bottleneck is not None
        linear = self.linear(features)
        found = self.bottleneck.deviation(features.permute(0, 3, 1, 2), linear.permute(0, 3, 1, 2))
        return found.permute(0, 2, 3, 1)

    def lesson(self, indices: Sequence[int]) -> Lesson:
        """Some pictures as uncorrupted training pairs."""
        features = self.features(indices)
        return Lesson(self.latent(features), features, self.corpus.pictures(indices))


def _way_back(codes: Codes) -> tuple[Tensor, float]:
    """The best linear way from latents to features, [F, C], and the share of variance that it explains."""
    products = squares = cross = torch.zeros((), dtype=torch.float64)
    some = np.unique(np.linspace(0, len(codes.corpus) - 1, _MOST_FOR_BACK).round().astype(int)).tolist()
    for start in range(0, len(some), _BATCH):
        features = codes.features(some[start : start + _BATCH])
        latent = codes.latent(features).flatten(0, 2).double()
        flat = features.flatten(0, 2).double()
        products = products + latent.T @ latent
        cross = cross + flat.T @ latent
        squares = squares + flat.square().sum()
    back = torch.linalg.solve(products, cross.T).T
    return back.float(), float((back * cross).sum() / squares)
