"""Cost of the shared network: operations, size, processor time a frame on one thread, agreement of bf16 with float32.

    python -m benchmarks.network

Needs the `learn` extra, since torch counts the operations.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import msgspec
import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from engines.learning.assemble import build_bottleneck, build_decoder
from engines.learning.procedural import procedural
from engines.learning.recipe import Recipe, read_recipe
from engines.network.encoder import Encoder
from engines.network.files import Network, shared_network
from engines.network.sizes import SIZES
from engines.runtime.core import openvino_core

_RUNS = 200


def main() -> None:
    """Print one row a part."""
    network = shared_network()
    encoder_flop, decoder_flop = flop(read_recipe())
    print(f"network {network.id}, {openvino_core().get_property('CPU', 'FULL_DEVICE_NAME').strip()}, 1 thread")
    print(f"{'part':<10}{'GFLOP':>8}{'MB':>8}{'f32 ms':>10}{'bf16 ms':>10}")
    for part, count in (("encoder", encoder_flop), ("decoder", decoder_flop)):
        f32, bf16 = (milliseconds(network, part, precision) for precision in ("f32", "bf16"))
        size = len(getattr(network, part)) / 1e6
        print(f"{part:<10}{count / 1e9:>8.3f}{size:>8.2f}{f32:>10.2f}{bf16:>10.2f}")
    print(f"cosine of bf16 and f32 latents: {agreement(network):.5f}")
    for name, kind in SIZES.items():
        parts = flop(msgspec.structs.replace(read_recipe(), size=name))
        shape = f"{kind.feature_channels} features, {kind.latent_channels} latents, {kind.width} channels in the trunk"
        print(f"size {name}: {parts[0] / 1e9:.3f} + {parts[1] / 1e9:.3f} = {sum(parts) / 1e9:.3f} GFLOP; {shape}")


def flop(recipe: Recipe) -> tuple[int, int]:
    """Floating-point operations of encoder and decoder for one frame; a multiply-add counts as two."""
    shape = recipe.shape
    encoder = Encoder(shape.latent_channels, shape).eval()
    if recipe.bottleneck.learnt:
        encoder.bottleneck = build_bottleneck(recipe).eval()
    pixels = torch.zeros(1, 256, 256, 3, dtype=torch.uint8)
    latent = torch.zeros(1, 32, 32, shape.latent_channels)
    return _flop(encoder, pixels), _flop(build_decoder(recipe).eval(), latent)


def milliseconds(network: Network, part: str, precision: str, runs: int = _RUNS) -> float:
    """Median processor time of one frame: other programs on the machine disturb it little."""
    request = _compile(network, part, precision).create_infer_request()
    inputs = _latent(network) if part == "decoder" else _pixels(1)
    times = []
    for _ in range(runs):
        start = time.process_time()
        request.infer([inputs])
        times.append(time.process_time() - start)
    return statistics.median(times) * 1e3


def agreement(network: Network) -> float:
    """Mean cosine of the latents at both precisions."""
    pixels = _pixels(8)
    one, two = (_compile(network, "encoder", precision)(pixels)["latent"].copy() for precision in ("f32", "bf16"))
    products = (one * two).sum(-1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(two, axis=-1)
    return float(products.mean())


def _flop(module: nn.Module, inputs: torch.Tensor) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(inputs)
    return int(counter.get_total_flops())


def _compile(network: Network, part: str, precision: str) -> Any:
    settings = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
    core = openvino_core()
    return core.compile_model(core.read_model(getattr(network, part)), "CPU", settings)


def _pixels(count: int) -> np.ndarray:
    return np.stack([procedural(np.random.default_rng((5, index)), 256) for index in range(count)])


def _latent(network: Network) -> np.ndarray:
    return np.asarray(_compile(network, "encoder", "f32")(_pixels(1))["latent"].copy())


if __name__ == "__main__":
    main()
