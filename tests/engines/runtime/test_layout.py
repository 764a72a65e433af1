"""The pixels' way into the graph."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from engines.network.files import shared_network
from engines.runtime.core import openvino_core
from engines.runtime.layout import normalise_first


def kinds(graph: Any) -> list[str]:
    return [kind for node in graph.get_ordered_ops() if (kind := node.get_type_name()) not in ("Constant", "Result")]


def outputs(graph: Any, pixels: np.ndarray) -> list[np.ndarray]:
    graph.reshape(list(pixels.shape))
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    found = openvino_core().compile_model(graph, "CPU", options)(pixels)
    return [np.array(found[index]) for index in range(len(graph.outputs))]


def test_the_shared_encoder_normalises_first_and_gives_the_same_bits() -> None:
    network = shared_network()
    plain, turned = (openvino_core().read_model(network.encoder) for _ in range(2))
    normalise_first(turned)
    assert kinds(turned)[:6] == ["Parameter", "Convert", "Subtract", "Divide", "Transpose", "Convolution"]
    pixels = np.random.default_rng(1).integers(0, 256, (1, *network.spec.input_size, 3), dtype=np.uint8)
    for one, other in zip(outputs(plain, pixels), outputs(turned, pixels), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("per_channel", [True, False])
def test_what_depends_on_the_channel_stays_behind_the_transposition(*, per_channel: bool) -> None:
    openvino_core()
    ov = importlib.import_module("openvino")
    ops = ov.opset13
    given = ops.parameter([1, 4, 4, 3], np.float32)
    turned = ops.transpose(given, np.array([0, 3, 1, 2]))
    shift = np.arange(3, dtype=np.float32).reshape(3, 1, 1) if per_channel else np.float32(2)
    graph = ov.Model([ops.relu(ops.subtract(turned, shift))], [given])
    normalise_first(graph)
    expected = ["Transpose", "Subtract"] if per_channel else ["Subtract", "Transpose"]
    assert kinds(graph) == ["Parameter", *expected, "Relu"]


def test_a_graph_without_a_transposition_is_left_alone() -> None:
    graph = openvino_core().read_model(shared_network().decoder)
    before = kinds(graph)
    normalise_first(graph)
    assert sorted(kinds(graph)) == sorted(before)
