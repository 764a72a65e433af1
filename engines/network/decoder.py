"""The decoder: regenerates features and picture from latents, and from nothing else."""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from engines.network.blocks import SeparableResidual
from engines.network.encoder import FEATURE_CHANNELS

PICTURE_SIZE: Final = (128, 128)
"""Four times the grid of places: two doublings by pixel shuffle."""
_FINE = 24


class DecoderOutput(NamedTuple):
    """What the decoder gives."""

    features: Tensor
    """float32 [N, h, w, F], standardised as the encoder's."""
    picture: Tensor
    """float32 [N, 4h, 4w, 3], RGB in 0..1."""


class Decoder(nn.Module):
    """A shared trunk on the grid of places with one head for the features and one for the picture.

    There is no skip connection from the encoder: what the latent does not carry cannot come back, so an anomaly
    whose latent was replaced by a normal one is regenerated as normal. Doubling is by pixel shuffle (Shi et al.,
    ESPCN, CVPR 2016), which computes in few channels at the fine sizes.
    """

    def __init__(self, latent_channels: int, width: int, kernels: tuple[int, ...]) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(latent_channels, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            *(SeparableResidual(width, kernel) for kernel in kernels),
        )
        self.features = nn.Conv2d(width + latent_channels, FEATURE_CHANNELS, 1)
        self.picture = nn.Sequential(
            nn.Conv2d(width, 4 * _FINE, 1),
            nn.PixelShuffle(2),
            SeparableResidual(_FINE, 3),
            nn.Conv2d(_FINE, 4 * 3, 3, padding=1),
            nn.PixelShuffle(2),
        )

    @torch.no_grad()
    def start_linear(self, back: Tensor) -> None:
        """Begin training as the linear way back from latent to features, [F, C]; the trunk adds what it learns."""
        width = self.features.in_channels - back.shape[1]
        self.features.weight.zero_()
        self.features.weight[:, width:, 0, 0] = back
        nn.init.zeros_(self.features.bias)  # type: ignore[arg-type]  # it has one

    def forward(self, latent: Tensor) -> DecoderOutput:
        """Decode float32 [N, h, w, C]."""
        code = latent.permute(0, 3, 1, 2)
        x = self.trunk(code)
        picture = torch.sigmoid(self.picture(x))
        return DecoderOutput(self.features(torch.cat([x, code], 1)).permute(0, 2, 3, 1), picture.permute(0, 2, 3, 1))
