"""The encoder: ImageNet features at three scales on one grid, and a whitened bottleneck."""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from engines.network.blocks import InvertedResidual, SameConv
from engines.network.bottleneck import Bottleneck
from engines.network.sizes import SIZES, STAGES, STRIDES, Size

INPUT_SIZE: Final = (256, 256)
PLACES: Final = (32, 32)
BASE: Final = SIZES["base"]
SCALES: Final = BASE.scales
"""The stages whose outputs are features: 24 channels at stride 4, 40 at stride 8, 112 at stride 16."""
FEATURE_CHANNELS: Final = BASE.feature_channels
_GRID_STRIDE: Final = 8


class EncoderOutput(NamedTuple):
    """What the encoder gives."""

    latent: Tensor
    """float32 [N, h, w, C], whitened: over the corpus it was fitted on, mean 0 and covariance I."""
    features: Tensor
    """float32 [N, h, w, F], standardised: over that corpus each channel has mean 0 and variance 1."""


class Backbone(nn.Module):
    """The first stages of EfficientNet-Lite0 with batch normalisation folded into the convolutions."""

    def __init__(self, count: int = BASE.scales[-1] + 1) -> None:
        super().__init__()
        self.stem = SameConv(3, 32, 3, stride=2)
        channels = 32
        stages = []
        for repeats, kernel, stride, expand, outputs in STAGES[:count]:
            blocks = [InvertedResidual(channels, outputs, kernel, stride, expand)]
            blocks += [InvertedResidual(outputs, outputs, kernel, 1, expand) for _ in range(repeats - 1)]
            stages.append(nn.Sequential(*blocks))
            channels = outputs
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map normalised RGB [N, 3, H, W] to the outputs of the stages, at the strides `STRIDES`."""
        x = functional.relu6(self.stem(x))
        outputs = []
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        return outputs


class Encoder(nn.Module):
    """Frozen multi-scale features and a bottleneck: linear and fitted in closed form, unless one was learnt.

    `mean` and `scale` standardise the features and `whiten` is their PCA whitening: Euclidean distance between
    latents is then the Mahalanobis distance within C leading directions of the corpus. `learning.moments`
    fits all three. Features are not averaged over neighbouring places, as PatchCore does (Roth et al., CVPR 2022):
    measured, that cost the nearest-neighbour distance more than it gave (see README.md).
    """

    mean: Tensor
    scale: Tensor
    whiten: Tensor

    def __init__(self, latent_channels: int, size: Size = BASE) -> None:
        super().__init__()
        channels = size.feature_channels
        self.size = size
        self.backbone = Backbone(size.scales[-1] + 1)
        self.bottleneck: Bottleneck | None = None
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("scale", torch.ones(channels))
        self.register_buffer("whiten", torch.eye(latent_channels, channels))

    def raw_features(self, pixels: Tensor) -> Tensor:
        """Map uint8 [N, H, W, 3] RGB to float32 [N, F, h, w] before standardisation."""
        x = (pixels.permute(0, 3, 1, 2).to(torch.float32) - 127.0) / 128.0
        outputs = self.backbone(x)
        grid = [_to_grid(outputs[stage], STRIDES[stage]) for stage in self.size.scales]
        return torch.cat(grid, 1)

    def adopt(self, mean: Tensor, scale: Tensor, whiten: Tensor) -> None:
        """Take over a fitted whitening: mean [F], scale [F], whiten [C, F]."""
        self.mean.copy_(mean)
        self.scale.copy_(scale)
        self.whiten.copy_(whiten)

    def forward(self, pixels: Tensor) -> EncoderOutput:
        """Encode uint8 [N, H, W, 3] RGB."""
        return self.conclude(self.raw_features(pixels))

    def conclude(self, raw: Tensor) -> EncoderOutput:
        """Go on from raw features [N, F, h, w]: whatever a recipe changes of the encoder lies here."""
        features = (raw - self.mean[:, None, None]) * self.scale[:, None, None]
        linear = functional.conv2d(features, self.whiten[:, :, None, None])
        latent = linear if self.bottleneck is None else self.bottleneck(features, linear)
        return EncoderOutput(latent.permute(0, 2, 3, 1), features.permute(0, 2, 3, 1))


def _to_grid(x: Tensor, stride: int) -> Tensor:
    """Bring a stage's output to the grid of places: averaged down or interpolated up."""
    if stride < _GRID_STRIDE:
        return functional.avg_pool2d(x, _GRID_STRIDE // stride)
    if stride == _GRID_STRIDE:
        return x
    return functional.interpolate(x, scale_factor=stride / _GRID_STRIDE, mode="bilinear", align_corners=False)
