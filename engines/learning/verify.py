"""Does the exported network compute what the torch network computes?"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from engines.contract import Pixels
from engines.errors import EngineError
from engines.network.encoder import Encoder
from engines.network.files import Network
from engines.runtime.core import openvino_core

TOLERANCE = 1e-4
"""Largest difference allowed, where the values' deviation is about 1."""


@torch.no_grad()
def verify_network(network: Network, encoder: Encoder, decoder: nn.Module, pixels: Pixels) -> float:
    """Run both through OpenVINO in float32 and return the largest difference from torch.

    `pixels` is uint8 [N, 256, 256, 3] for any N. Raises `EngineError` above `TOLERANCE`.
    """
    latent = encoder.eval()(torch.from_numpy(pixels)).latent.contiguous().numpy()
    worst = max(_difference(network.encoder, encoder, pixels), _difference(network.decoder, decoder, latent))
    if not worst <= TOLERANCE:
        raise EngineError(f"the exported network differs from torch by {worst:.1e}: do not ship it")
    return worst


def _difference(model: bytes, module: nn.Module, inputs: np.ndarray) -> float:
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    core = openvino_core()
    compiled = core.compile_model(core.read_model(model), "CPU", settings)
    ours = compiled(inputs)
    theirs = module.eval()(torch.from_numpy(inputs))
    return max(float(np.abs(ours[name] - value.numpy()).max()) for name, value in theirs._asdict().items())
