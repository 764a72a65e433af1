"""The decoder: regenerates features and picture from latents, and from nothing else."""

from __future__ import annotations

from typing import Final, NamedTuple, cast

import torch
from torch import Tensor, nn

from engines.network.attention import PooledAttention
from engines.network.blocks import SeparableResidual
from engines.network.encoder import FEATURE_CHANNELS

PICTURE_SIZE: Final = (128, 128)
"""Four times the grid of places: two doublings by pixel shuffle."""
_FINE = 24
_ENTRY = 3
"""Layers of the trunk before its blocks."""


class DecoderOutput(NamedTuple):
    """What the decoder gives."""

    features: Tensor
    """float32 [N, h, w, F], standardised as the encoder's."""
    picture: Tensor
    """float32 [N, 4h, 4w, 3], RGB in 0..1."""


class Decoder(nn.Module):
    """A shared trunk on the grid of places with one head for the features and one for the picture.

    There is no skip connection from the encoder: what the latent does not carry cannot come back, so an anomaly
    whose latent was replaced by a normal one is regenerated as normal. With `skips` the latent itself, and nothing
    else, is led past the trunk to each of its blocks and to the picture's fine grid (Ronneberger et al., U-Net,
    MICCAI 2015, with a memory's latents in the place of the encoder's activations). With `heads` the trunk ends in
    attention. Doubling is by pixel shuffle (Shi et al., ESPCN, CVPR 2016), which computes in few channels at the
    fine sizes.
    """

    def __init__(
        self,
        latent_channels: int,
        width: int,
        kernels: tuple[int, ...],
        *,
        feature_channels: int = FEATURE_CHANNELS,
        heads: int = 0,
        skips: bool = False,
    ) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(latent_channels, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            *(SeparableResidual(width, kernel) for kernel in kernels),
        )
        self.features = nn.Conv2d(width + latent_channels, feature_channels, 1)
        self.picture = nn.Sequential(
            nn.Conv2d(width, 4 * _FINE, 1),
            nn.PixelShuffle(2),
            SeparableResidual(_FINE, 3),
            nn.Conv2d(_FINE, 4 * 3, 3, padding=1),
            nn.PixelShuffle(2),
        )
        self.attention = PooledAttention(width, heads) if heads else None
        self.past = _past(latent_channels, width, len(kernels)) if skips else None

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
        x = self.trunk(code) if self.past is None else self._trunk_with_skips(code, self.past)
        if self.attention is not None:
            x = self.attention(x)
        picture = torch.sigmoid(self._paint(x, code))
        return DecoderOutput(self.features(torch.cat([x, code], 1)).permute(0, 2, 3, 1), picture.permute(0, 2, 3, 1))

    def _trunk_with_skips(self, code: Tensor, past: nn.ModuleList) -> Tensor:
        layers = list(self.trunk)
        x = code
        for layer in layers[:_ENTRY]:
            x = layer(x)
        for block, way in zip(layers[_ENTRY:], past[:-1], strict=True):
            x = block(x + way(code))
        return x

    def _paint(self, x: Tensor, code: Tensor) -> Tensor:
        if self.past is None:
            picture: Tensor = self.picture(x)
            return picture
        fine = self.picture[1](self.picture[0](x) + self.past[-1](code))
        rest: Tensor = self.picture[2:](fine)
        return rest


def _past(latent_channels: int, width: int, blocks: int) -> nn.ModuleList:
    """Ways of the latent past the trunk: one into each block and one to the fine grid. They begin at zero."""
    ways = nn.ModuleList(nn.Conv2d(latent_channels, width, 1, bias=False) for _ in range(blocks))
    ways.append(nn.Conv2d(latent_channels, 4 * _FINE, 1, bias=False))
    for way in ways:
        nn.init.zeros_(cast(Tensor, way.weight))
    return ways
