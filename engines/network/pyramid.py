"""A feature pyramid over the scales of the encoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class FeaturePyramid(nn.Module):
    """From the coarsest scale down, each adds what it knows to the finer one (Lin et al., FPN, CVPR 2017).

    It works on the grid of places, to which every scale was brought. Coarser scales are averaged to grids of
    half the side each, so that a place's answer takes in a wider and wider surrounding.
    """

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.channels = tuple(channels)
        self.lateral = nn.ModuleList(nn.Conv2d(count, width, 1) for count in channels)
        self.smooth = nn.Conv2d(width, width, 3, padding=1, groups=width)

    def forward(self, features: Tensor) -> Tensor:
        """Map [N, sum of channels, h, w], finest scale first, to [N, width, h, w]."""
        scales = torch.split(features, list(self.channels), 1)
        top: Tensor | None = None
        for level in reversed(range(len(scales))):
            shrink = 2**level
            scale = scales[level] if shrink == 1 else functional.avg_pool2d(scales[level], shrink)
            side = self.lateral[level](scale)
            top = side if top is None else side + functional.interpolate(top, scale_factor=2.0, mode="nearest")
        assert top is not None
        return torch.relu(self.smooth(top))
