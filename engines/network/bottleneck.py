"""A learnt bottleneck: what is added to the linear one when the recipe asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from engines.network.attention import PooledAttention
from engines.network.flow import Flow
from engines.network.pyramid import FeaturePyramid

_WIDTH = 48
_LEAST_LOG_VARIANCE, _MOST_LOG_VARIANCE = -8.0, 2.0
_FIRST_LOG_VARIANCE = -4.0


class Bottleneck(nn.Module):
    """Linear latents plus a small network's correction, then whitened, then, with a flow, made Gaussian.

    The correction begins at zero, so training begins at the closed form. With a pyramid it sees the surroundings
    of a place at every scale, with attention the whole picture, with neither the place alone. `offset` and
    `rewhiten` are fitted after training, in closed form, so that latents are white whatever was learnt.
    """

    offset: Tensor
    rewhiten: Tensor

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
        self.register_buffer("rewhiten", torch.eye(latent_channels))

    def code(self, features: Tensor, linear: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance, each [N, C, h, w], of [N, F, h, w] features and their linear latents."""
        context = self._look(features)
        return linear + self.out(context), self.variance(context).clamp(_LEAST_LOG_VARIANCE, _MOST_LOG_VARIANCE)

    def looked_at(self, features: Tensor) -> Tensor | None:
        """The attention's weights, [N, heads, h*w, 64]; None without attention."""
        return None if self.attention is None else self.attention.weights(self.context(features))

    def white(self, code: Tensor) -> Tensor:
        """Whiten codes [N, C, h, w]."""
        return functional.conv2d(code - self.offset[:, None, None], self.rewhiten[:, :, None, None])

    def deviation(self, features: Tensor, linear: Tensor) -> Tensor:
        """How unsure the variational bottleneck is, as deviations of whitened latents, [N, C, h, w]."""
        variance = self.code(features, linear)[1].exp()
        return functional.conv2d(variance, self.rewhiten.square()[:, :, None, None]).sqrt()

    def forward(self, features: Tensor, linear: Tensor) -> Tensor:
        """Latents [N, C, h, w]."""
        white = self.white(self.code(features, linear)[0])
        return white if self.flow is None else self.flow(white)

    def _look(self, features: Tensor) -> Tensor:
        context: Tensor = self.context(features)
        return context if self.attention is None else self.attention(context)


def _pointwise(inputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, _WIDTH, 1), nn.ReLU())
