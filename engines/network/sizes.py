"""Sizes of the network: one word decides how deep the encoder looks and how wide the decoder is.

All sizes take 256 x 256 pixels and tell of 32 x 32 places, so whatever runs one runs the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

SizeName = Literal["small", "base", "large"]

STAGES: Final = (
    # repeats, kernel, stride, expand, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
)
"""EfficientNet-Lite0 up to stride 32."""
STRIDES: Final = (2, 4, 8, 16, 16, 32)
"""Of the stages' outputs."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a size is made of."""

    scales: tuple[int, ...]
    """The stages whose outputs are features; later stages are not computed."""
    latent_channels: int
    width: int
    """Channels of the decoder's trunk."""
    kernels: tuple[int, ...]
    """One a block of the trunk: the side of its depthwise kernel."""

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of each scale."""
        return tuple(STAGES[stage][4] for stage in self.scales)

    @property
    def feature_channels(self) -> int:
        """Channels of all scales together."""
        return sum(self.channels)


SIZES: Final[Mapping[SizeName, Size]] = {
    "small": Size((1, 2, 3), 48, 64, (3, 5, 3)),
    "base": Size((1, 2, 4), 64, 96, (3, 5, 3, 5, 3)),
    "large": Size((1, 2, 4, 5), 64, 160, (3, 5, 3, 5, 3, 5, 3)),
}
"""`base` is what ships."""
