"""The encoder: ImageNet features at three scales on one grid, and a whitened bottleneck."""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from engines.network.blocks import InvertedResidual, SameConv

INPUT_SIZE: Final = (256, 256)
PLACES: Final = (32, 32)
STAGES: Final = (
    # repeats, kernel, stride, expand, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
)
"""EfficientNet-Lite0 up to stride 16."""
SCALES: Final = (1, 2, 4)
"""The stages whose outputs are features: 24 channels at stride 4, 40 at stride 8, 112 at stride 16."""
SCALE_CHANNELS: Final = tuple(STAGES[stage][4] for stage in SCALES)
FEATURE_CHANNELS: Final = sum(SCALE_CHANNELS)


class EncoderOutput(NamedTuple):
    """What the encoder gives."""

    latent: Tensor
    """float32 [N, h, w, C], whitened: over the corpus it was fitted on, mean 0 and covariance I."""
    features: Tensor
    """float32 [N, h, w, F], standardised: over that corpus each channel has mean 0 and variance 1."""


class Backbone(nn.Module):
    """EfficientNet-Lite0 to stride 16 with batch normalisation folded into the convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, 32, 3, stride=2)
        channels = 32
        stages = []
        for repeats, kernel, stride, expand, outputs in STAGES:
            blocks = [InvertedResidual(channels, outputs, kernel, stride, expand)]
            blocks += [InvertedResidual(outputs, outputs, kernel, 1, expand) for _ in range(repeats - 1)]
            stages.append(nn.Sequential(*blocks))
            channels = outputs
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map normalised RGB [N, 3, H, W] to the outputs of the stages, strides 2, 4, 8, 16, 16."""
        x = functional.relu6(self.stem(x))
        outputs = []
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        return outputs


class Encoder(nn.Module):
    """Frozen multi-scale features and a linear bottleneck fitted in closed form.

    `mean` and `scale` standardise the features and `whiten` is their PCA whitening: Euclidean distance between
    latents is then the Mahalanobis distance within C leading directions of the corpus. `learning.moments`
    fits all three. Features are not averaged over neighbouring places, as PatchCore does (Roth et al., CVPR 2022):
    measured, that cost the nearest-neighbour distance more than it gave (see README.md).
    """

    mean: Tensor
    scale: Tensor
    whiten: Tensor

    def __init__(self, latent_channels: int) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.register_buffer("mean", torch.zeros(FEATURE_CHANNELS))
        self.register_buffer("scale", torch.ones(FEATURE_CHANNELS))
        self.register_buffer("whiten", torch.eye(latent_channels, FEATURE_CHANNELS))

    def raw_features(self, pixels: Tensor) -> Tensor:
        """Map uint8 [N, H, W, 3] RGB to float32 [N, F, h, w] before standardisation."""
        x = (pixels.permute(0, 3, 1, 2).to(torch.float32) - 127.0) / 128.0
        outputs = self.backbone(x)
        fine, middle, coarse = (outputs[stage] for stage in SCALES)
        grid = [
            functional.avg_pool2d(fine, 2),
            middle,
            functional.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False),
        ]
        return torch.cat(grid, 1)

    def adopt(self, mean: Tensor, scale: Tensor, whiten: Tensor) -> None:
        """Take over a fitted whitening: mean [F], scale [F], whiten [C, F]."""
        self.mean.copy_(mean)
        self.scale.copy_(scale)
        self.whiten.copy_(whiten)

    def forward(self, pixels: Tensor) -> EncoderOutput:
        """Encode uint8 [N, H, W, 3] RGB."""
        features = (self.raw_features(pixels) - self.mean[:, None, None]) * self.scale[:, None, None]
        latent = functional.conv2d(features, self.whiten[:, :, None, None])
        return EncoderOutput(latent.permute(0, 2, 3, 1), features.permute(0, 2, 3, 1))
