"""A learnt bottleneck: what is added to the linear one when the recipe asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from engines.network.attention import PooledAttention
from engines.network.flow import Flow
from engines.network.pyramid import FeaturePyramid

_WIDTH = 48
_LEAST_LOG_VARIANCE, _MOST_LOG_VARIANCE = -8.0, 2.0
_FIRST_LOG_VARIANCE = -4.0


class Bottleneck(nn.Module):
    """Linear latents plus a small network's correction, then centred and scaled, then, with a flow, made Gaussian.

    The correction begins at zero, so training begins at the closed form. With a pyramid it sees the surroundings
    of a place at every scale, with attention the whole picture, with neither the place alone. `offset` and `gain`
    are fitted after training: the mean of latents is 0 and their mean variance 1 whatever was learnt. They are not
    whitened again, which would blow up the very directions that training made small.
    """

    offset: Tensor
    gain: Tensor

    def __init__(self, channels: Sequence[int], latent_channels: int, *, pyramid: bool, heads: int) -> None:
        super().__init__()
        self.context = FeaturePyramid(channels, _WIDTH) if pyramid else _pointwise(sum(channels))
        self.attention = PooledAttention(_WIDTH, heads) if heads else None
        self.out = nn.Conv2d(_WIDTH, latent_channels, 1)
        self.variance = nn.Conv2d(_WIDTH, latent_channels, 1)
        for layer, bias in ((self.out, 0.0), (self.variance, _FIRST_LOG_VARIANCE)):
            nn.init.zeros_(layer.weight)
            nn.init.constant_(cast(Tensor, layer.bias), bias)
        self.flow: Flow | None = None
        self.register_buffer("offset", torch.zeros(latent_channels))
        self.register_buffer("gain", torch.ones(()))

    def code(self, features: Tensor, linear: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance, each [N, C, h, w], of [N, F, h, w] features and their linear latents."""
        context = self._look(features)
        return linear + self.out(context), self.variance(context).clamp(_LEAST_LOG_VARIANCE, _MOST_LOG_VARIANCE)

    def looked_at(self, features: Tensor) -> Tensor | None:
        """The attention's weights, [N, heads, h*w, 64]; None without attention."""
        return None if self.attention is None else self.attention.weights(self.context(features))

    def scaled(self, code: Tensor) -> Tensor:
        """Centre and scale codes [N, C, h, w]."""
        return (code - self.offset[:, None, None]) * self.gain

    def deviation(self, features: Tensor, linear: Tensor) -> Tensor:
        """How unsure the variational bottleneck is, as deviations of latents, [N, C, h, w]."""
        return (self.code(features, linear)[1] / 2).exp() * self.gain

    def forward(self, features: Tensor, linear: Tensor) -> Tensor:
        """Latents [N, C, h, w]."""
        scaled = self.scaled(self.code(features, linear)[0])
        return scaled if self.flow is None else self.flow(scaled)

    def _look(self, features: Tensor) -> Tensor:
        context: Tensor = self.context(features)
        return context if self.attention is None else self.attention(context)


def _pointwise(inputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, _WIDTH, 1), nn.ReLU())
