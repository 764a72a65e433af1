"""How much a network has to compute, and how much this processor can: the roof that an engine is held against."""

from __future__ import annotations

import importlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from engines.network.files import Network
from engines.runtime.core import openvino_core

Precision = Literal["f32", "bf16"]

_SIDES = (384, 512, 768, 1024)
"""Sides of the matrices: the best of them is the peak. Larger ones only run out of cache."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call took."""

    wall_s: float
    cpu_s: float
    """Processor time of all threads of the process: other programs on the machine disturb it little."""


def cost(call: Callable[[], object], seconds: float, least: int = 3) -> Cost:
    """The median cost of a call, repeated for so long and at least `least` times."""
    walls: list[float] = []
    cpus: list[float] = []
    deadline = time.perf_counter() + seconds
    while len(walls) < least or time.perf_counter() < deadline:
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return Cost(float(np.median(walls)), float(np.median(cpus)))


def flop(network: Network) -> int:
    """Floating-point operations of encoder and decoder for one frame, those of convolutions and products of matrices.

    A multiply-add counts as two.
    """
    spec = network.spec
    encoder = _graph(network.encoder, [1, *spec.input_size, 3])
    decoder = _graph(network.decoder, [1, *spec.places, spec.latent_channels])
    return operations(encoder) + operations(decoder)


def operations(graph: Any) -> int:
    """The same for an `openvino.Model` whose shapes are fixed."""
    return sum(_of(node) for node in graph.get_ordered_ops())


def _graph(model: bytes, shape: list[int]) -> Any:
    graph = openvino_core().read_model(model)
    graph.reshape(shape)
    return graph


def _of(node: Any) -> int:
    kind: str = node.get_type_name()
    if kind in ("Convolution", "GroupConvolution"):
        # Weights are [O, I, ...] or [G, O / G, I / G, ...]: each output element takes I / G products and kernel taps.
        taps = _sides(node, 1)[1 if kind == "Convolution" else 2 :]
        return 2 * _size(node.output(0)) * math.prod(taps)
    if kind == "ConvolutionBackpropData":
        return 2 * _size(node.input_value(0)) * math.prod(_sides(node, 1)[1:])
    if kind == "MatMul":
        inner = _sides(node, 0)[-2 if node.get_attributes()["transpose_a"] else -1]
        return 2 * _size(node.output(0)) * inner
    return 0


def _sides(node: Any, which: int) -> list[int]:
    return [int(side) for side in node.input_value(which).get_shape()]


def _size(port: Any) -> int:
    return math.prod(int(side) for side in port.get_shape())


class Peak:
    """Products of square matrices, compiled by OpenVINO as it compiles the network; the weights are packed."""

    def __init__(self, precision: Precision, threads: int) -> None:
        self._products = {side: _product(side, precision, threads) for side in _SIDES}

    def measure(self, seconds: float) -> tuple[float, float]:
        """The best FLOP/s over the sizes: by the wall clock, and by processor time (of one core)."""
        costs = {side: cost(call, seconds / len(self._products)) for side, call in self._products.items()}
        walls = (2 * side**3 / each.wall_s for side, each in costs.items())
        return max(walls), max(2 * side**3 / each.cpu_s for side, each in costs.items())


def _product(side: int, precision: Precision, threads: int) -> Callable[[], None]:
    core = openvino_core()
    ov = importlib.import_module("openvino")
    given = ov.opset13.parameter([side, side], np.float32)
    weights = np.random.default_rng(side).standard_normal((side, side)).astype(np.float32)
    graph = ov.Model([ov.opset13.matmul(given, ov.opset13.constant(weights), False, False)], [given])  # noqa: FBT003
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
    request = core.compile_model(graph, "CPU", settings).create_infer_request()
    request.get_input_tensor().data[:] = weights

    def call() -> None:
        request.infer()

    return call


def sgemm(seconds: float) -> float:
    """FLOP/s of numpy's own product of matrices by processor time: a cross-check of the float32 peak."""
    side = 1024
    left = np.random.default_rng(1).standard_normal((side, side)).astype(np.float32)
    out = np.empty_like(left)
    return 2 * side**3 / cost(lambda: np.matmul(left, left, out=out), seconds).cpu_s
