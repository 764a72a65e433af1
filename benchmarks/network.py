"""Cost of the shared network: operations, size, processor time a frame on one thread, agreement of bf16 with float32.

    python -m benchmarks.network

Needs the `learn` extra, since torch counts the operations.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from engines.learning.procedural import procedural
from engines.learning.recipe import read_recipe
from engines.network.decoder import Decoder
from engines.network.encoder import Encoder
from engines.network.files import Network, shared_network
from engines.quiet import import_openvino

_RUNS = 200


def main() -> None:
    """Print one row a part."""
    network = shared_network()
    encoder_flop, decoder_flop = flop()
    print(f"network {network.id}, {import_openvino().Core().get_property('CPU', 'FULL_DEVICE_NAME').strip()}, 1 thread")
    print(f"{'part':<10}{'GFLOP':>8}{'MB':>8}{'f32 ms':>10}{'bf16 ms':>10}")
    for part, count in (("encoder", encoder_flop), ("decoder", decoder_flop)):
        f32, bf16 = (milliseconds(network, part, precision) for precision in ("f32", "bf16"))
        size = len(getattr(network, part)) / 1e6
        print(f"{part:<10}{count / 1e9:>8.3f}{size:>8.2f}{f32:>10.2f}{bf16:>10.2f}")
    print(f"cosine of bf16 and f32 latents: {agreement(network):.5f}")


def flop() -> tuple[int, int]:
    """Floating-point operations of encoder and decoder for one frame; a multiply-add counts as two."""
    recipe = read_recipe()
    encoder = Encoder(recipe.latent_channels).eval()
    decoder = Decoder(recipe.latent_channels, recipe.decoder.width, recipe.decoder.kernels).eval()
    pixels = torch.zeros(1, 256, 256, 3, dtype=torch.uint8)
    return _flop(encoder, pixels), _flop(decoder, torch.zeros(1, 32, 32, recipe.latent_channels))


def milliseconds(network: Network, part: str, precision: str) -> float:
    """Median processor time of one frame: other programs on the machine disturb it little."""
    request = _compile(network, part, precision).create_infer_request()
    inputs = _latent(network) if part == "decoder" else _pixels(1)
    times = []
    for _ in range(_RUNS):
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
    core = import_openvino().Core()
    return core.compile_model(core.read_model(getattr(network, part)), "CPU", settings)


def _pixels(count: int) -> np.ndarray:
    return np.stack([procedural(np.random.default_rng((5, index)), 256) for index in range(count)])


def _latent(network: Network) -> np.ndarray:
    return np.asarray(_compile(network, "encoder", "f32")(_pixels(1))["latent"].copy())


if __name__ == "__main__":
    main()
