from __future__ import annotations

import contextlib
import io
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the learn extra")

import torch
from torch.utils.flop_counter import FlopCounterMode

from engines.learning.photographs import photographs
from engines.network.blocks import SameConv
from engines.network.decoder import Decoder
from engines.network.encoder import FEATURE_CHANNELS, SCALES, Backbone, Encoder
from engines.network.imagenet import imagenet_weights, load_imagenet

CHELSEA = 5
CATS = range(281, 286)
LAST_BLOCK_OF_STAGE = (0, 2, 4, 7, 10)


@pytest.fixture(scope="module")
def reference() -> Any:
    """The package's own network, with batch normalisation and its own 'SAME' padding."""
    package = pytest.importorskip("efficientnet_lite_pytorch", reason="needs the learn extra")
    with contextlib.redirect_stdout(io.StringIO()):
        return package.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(imagenet_weights())).eval()


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    backbone = Backbone().eval()
    load_imagenet(backbone)
    return backbone


@torch.no_grad()
def test_features_equal_the_reference(backbone: Backbone, reference: Any) -> None:
    x = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(0)) * 2 - 1
    y = reference._swish(reference._bn0(reference._conv_stem(x)))
    outputs = []
    for block in reference._blocks[:11]:
        y = block(y)
        outputs.append(y)
    for index, ours in zip(LAST_BLOCK_OF_STAGE, backbone(x), strict=True):
        torch.testing.assert_close(ours, outputs[index], atol=1e-4, rtol=1e-5)


@torch.no_grad()
def test_a_cat_is_a_cat(backbone: Backbone, reference: Any) -> None:
    """Our stages followed by the package's remaining blocks name what is in a photograph."""
    cat = cv2.resize(photographs()[CHELSEA], (256, 256), interpolation=cv2.INTER_AREA)
    y = backbone((torch.from_numpy(cat).permute(2, 0, 1)[None].float() - 127) / 128)[-1]
    for block in reference._blocks[11:]:
        y = block(y)
    y = reference._swish(reference._bn1(reference._conv_head(y)))
    assert int(reference._fc(y.mean((2, 3))).argmax()) in CATS


def test_padding_is_one_more_on_the_far_side() -> None:
    assert SameConv(1, 1, 3, stride=2).pad == (0, 1, 0, 1)
    assert SameConv(1, 1, 5, stride=2).pad == (1, 2, 1, 2)
    assert SameConv(1, 1, 3).pad == (1, 1, 1, 1)


@torch.no_grad()
def test_features_are_the_stages_on_one_grid(backbone: Backbone) -> None:
    encoder = Encoder(8).eval()
    encoder.backbone = backbone
    pixels = torch.randint(0, 256, (1, 256, 256, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    features = encoder(pixels).features
    outputs = backbone((pixels.permute(0, 3, 1, 2).float() - 127) / 128)
    assert features.shape == (1, 32, 32, FEATURE_CHANNELS)
    assert [outputs[stage].shape[1] for stage in SCALES] == [24, 40, 112]
    torch.testing.assert_close(features[..., 24:64], outputs[2].permute(0, 2, 3, 1))


def test_both_parts_together_cost_less_than_a_gigaflop() -> None:
    with FlopCounterMode(display=False) as count, torch.no_grad():
        latent = Encoder(64).eval()(torch.zeros(1, 256, 256, 3, dtype=torch.uint8)).latent
        Decoder(64, 96, (3, 5, 3, 5, 3)).eval()(latent)
    assert count.get_total_flops() < 1.0e9


def test_pixels_of_any_order_in_memory_are_taken() -> None:
    encoder = Encoder(8).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (1, 3, 256, 256), np.uint8).transpose(0, 2, 3, 1)
    with torch.no_grad():
        view = encoder(torch.from_numpy(pixels)).latent
        copy = encoder(torch.from_numpy(np.ascontiguousarray(pixels))).latent
    torch.testing.assert_close(view, copy)
