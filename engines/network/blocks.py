"""Building blocks of the network."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class SameConv(nn.Module):
    """A convolution with bias that pads as TensorFlow's 'SAME' does.

    At stride 2 on an even size TensorFlow pads one pixel more on the right and below than on the left and
    above. Symmetric padding would shift every feature by a pixel against the pretrained weights.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups)
        before = (kernel - stride) // 2
        self.pad = (before, kernel - stride - before) * 2

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, inputs, H, W] with H and W multiples of the stride to [N, outputs, H/stride, W/stride]."""
        y: Tensor = self.conv(functional.pad(x, self.pad) if any(self.pad) else x)
        return y


class InvertedResidual(nn.Module):
    """EfficientNet-Lite's block: expand, depthwise, project; ReLU6, no squeeze-excitation.

    Sandler et al., MobileNetV2, CVPR 2018; Tan and Le, EfficientNet, ICML 2019.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        wide = inputs * expand
        self.expand = SameConv(inputs, wide, 1) if expand != 1 else None
        self.depthwise = SameConv(wide, wide, kernel, stride, groups=wide)
        self.project = SameConv(wide, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, inputs, H, W] to [N, outputs, H/stride, W/stride]."""
        wide = x if self.expand is None else functional.relu6(self.expand(x))
        y: Tensor = self.project(functional.relu6(self.depthwise(wide)))
        return x + y if self.residual else y


class SeparableResidual(nn.Module):
    """A depthwise and a pointwise convolution around an identity, each with batch normalisation."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, channels, H, W] to the same shape."""
        return functional.relu(x + self.body(x))
