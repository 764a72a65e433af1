"""Networks that are not what they should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
from onnx import numpy_helper

from engines.network.files import Network


def perturbed(network: Network, amount: float) -> Network:
    """The network with every convolution's weights off by a share of themselves."""
    return replace(network, encoder=_perturbed(network.encoder, amount), decoder=_perturbed(network.decoder, amount))


def without_numbers(network: Network) -> Network:
    """The network with one weight that is no number."""
    return replace(network, encoder=_perturbed(network.encoder, float("nan")))


def _perturbed(model: bytes, amount: float) -> bytes:
    loaded, rng = onnx.load_model_from_string(model), np.random.default_rng(0)
    for weight in loaded.graph.initializer:
        if len(weight.dims) == 4:
            values = numpy_helper.to_array(weight)
            off = (values * (1 + amount * rng.normal(size=values.shape))).astype(np.float32)
            weight.CopyFrom(numpy_helper.from_array(off, weight.name))
    data: bytes = loaded.SerializeToString()
    return data
