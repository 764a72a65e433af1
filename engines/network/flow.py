"""A density model over latents: a volume-preserving flow that makes them Gaussian."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

_WIDTH = 64


class Flow(nn.Module):
    """Additive couplings and a scaling: NICE (Dinh, Krueger and Bengio, ICLR workshop 2015), place by place.

    It is invertible and its Jacobian's determinant is that of the scaling alone, so the density of a latent is
    that of a standard Gaussian where the flow takes it, times a constant: Euclidean distance after the flow is
    measured where normal latents are a round cloud.
    """

    def __init__(self, channels: int, layers: int) -> None:
        super().__init__()
        self.first = channels // 2
        parts = (channels // 2, channels - channels // 2)
        self.couplings = nn.ModuleList(_coupling(parts[layer % 2], parts[1 - layer % 2]) for layer in range(layers))
        self.log_scale = nn.Parameter(torch.zeros(channels))

    def forward(self, latent: Tensor) -> Tensor:
        """Map [N, C, h, w] to the space in which it is Gaussian."""
        first, second = latent[:, : self.first], latent[:, self.first :]
        for layer, coupling in enumerate(self.couplings):
            if layer % 2 == 0:
                second = second + coupling(first)
            else:
                first = first + coupling(second)
        return torch.cat([first, second], 1) * self.log_scale.exp()[:, None, None]

    def inverse(self, gaussian: Tensor) -> Tensor:
        """The way back."""
        x = gaussian * (-self.log_scale).exp()[:, None, None]
        first, second = x[:, : self.first], x[:, self.first :]
        for layer, coupling in reversed(list(enumerate(self.couplings))):
            if layer % 2 == 0:
                second = second - coupling(first)
            else:
                first = first - coupling(second)
        return torch.cat([first, second], 1)

    def surprise(self, latent: Tensor) -> Tensor:
        """Negative logarithm of the density of [N, C, h, w], a channel, less a constant: [N, h, w]."""
        gaussian: Tensor = self(latent)
        return 0.5 * gaussian.square().mean(1) - self.log_scale.mean()


def _coupling(inputs: int, outputs: int) -> nn.Sequential:
    last = nn.Conv2d(_WIDTH, outputs, 1)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(cast(Tensor, last.bias))
    return nn.Sequential(nn.Conv2d(inputs, _WIDTH, 1), nn.ReLU(), last)
