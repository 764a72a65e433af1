"""Each operator against the ONNX project's own reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the learn extra")
pytest.importorskip("onnx", reason="needs the learn extra")

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from engines.errors import EngineError
from engines.network.files import Network
from engines.runtime.graph import STEPS, OnnxModule

Given = dict[str, np.ndarray[Any, Any]]


def model(kind: str, given: Given, outputs: int = 1, **attributes: Any) -> bytes:
    """A model of one operator: its input is x, its other inputs are `given` in order."""
    names = [f"y{index}" for index in range(outputs)]
    node = helper.make_node(kind, ["x", *given], names, **attributes)
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names],
        [numpy_helper.from_array(value, name) for name, value in given.items() if name],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    data: bytes = made.SerializeToString()
    return data


def number(value: float) -> np.ndarray[Any, Any]:
    return np.array(value, np.float32)


def floats(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


X = floats(2, 8, 6, 10)
SCALES = np.array([1, 1, 2, 2], np.float32)
CASES: dict[str, tuple[str, Given, dict[str, Any]]] = {
    "add a number": ("Add", {"b": number(3)}, {}),
    "subtract": ("Sub", {"b": floats(8, 1, 1)}, {}),
    "multiply": ("Mul", {"b": floats(8, 1, 1)}, {}),
    "divide": ("Div", {"b": number(128)}, {}),
    "average": ("AveragePool", {}, {"kernel_shape": [2, 2], "strides": [2, 2]}),
    "clip": ("Clip", {"low": number(0), "high": number(0.5)}, {}),
    "clip from above": ("Clip", {"": number(0), "high": number(0.5)}, {}),
    "concatenate": ("Concat", {"b": floats(2, 3, 6, 10)}, {"axis": 1}),
    "convolve": ("Conv", {"w": floats(4, 8, 3, 3), "b": floats(4)}, {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    "convolve unevenly": (
        "Conv",
        {"w": floats(4, 8, 3, 3)},
        {"kernel_shape": [3, 3], "pads": [0, 1, 1, 2], "strides": [2, 2]},
    ),
    "convolve by channel": (
        "Conv",
        {"w": floats(8, 1, 3, 3)},
        {"kernel_shape": [3, 3], "group": 8, "dilations": [2, 2], "pads": [2, 2, 2, 2]},
    ),
    "shuffle": ("DepthToSpace", {}, {"blocksize": 2, "mode": "CRD"}),
    "exponential": ("Exp", {}, {}),
    "identity": ("Identity", {}, {}),
    "matrix product": ("MatMul", {"b": floats(10, 3)}, {}),
    "mean": ("ReduceMean", {"axes": np.array([2, 3])}, {"keepdims": 0}),
    "rectify": ("Relu", {}, {}),
    "reshape": ("Reshape", {"shape": np.array([0, -1, 30])}, {}),
    "interpolate": ("Resize", {"": floats(0), "scales": SCALES}, {"mode": "linear"}),
    "repeat": (
        "Resize",
        {"": floats(0), "scales": SCALES},
        {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    ),
    "sigmoid": ("Sigmoid", {}, {}),
    "softmax": ("Softmax", {}, {"axis": 1}),
    "hyperbolic tangent": ("Tanh", {}, {}),
    "transpose": ("Transpose", {}, {"perm": [0, 2, 3, 1]}),
    "one axis more": ("Unsqueeze", {"axes": np.array([0, 3])}, {}),
}


def expected_of(data: bytes, x: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    return [np.asarray(each) for each in ReferenceEvaluator(data).run(None, {"x": x})]


def run(data: bytes, x: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    with torch.inference_mode():
        return [each.numpy() for each in OnnxModule(data)(torch.from_numpy(x))]


@pytest.mark.parametrize("case", CASES)
def test_operator(case: str) -> None:
    kind, given, attributes = CASES[case]
    data = model(kind, given, **attributes)
    (expected,) = expected_of(data, X)
    (made,) = run(data, X)
    np.testing.assert_allclose(made, expected, atol=2e-5)


def test_root_and_one_axis_less() -> None:
    positive = np.abs(X[:1])
    for kind, given in (("Sqrt", {}), ("Squeeze", {"axes": np.array([0])})):
        data = model(kind, given)
        expected = expected_of(data, positive)[0]
        np.testing.assert_allclose(run(data, positive)[0], expected, rtol=1e-5)


def test_split() -> None:
    data = model("Split", {"sizes": np.array([3, 5])}, outputs=2, axis=1)
    for made, expected in zip(run(data, X), expected_of(data, X), strict=True):
        np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("channels", [1, 8])
@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_quantised_numbers_come_back_on_the_grid(channels: int, kind: type[np.int8 | np.uint8]) -> None:
    shape = () if channels == 1 else (channels,)
    scale = np.full(shape, 0.02, np.float32) * np.linspace(1, 2, channels, dtype=np.float32).reshape(shape)
    zero = np.zeros(shape, kind) + kind(3)
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], axis=1),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "two",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(scale, "s"), numpy_helper.from_array(zero, "z")],
    )
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)]).SerializeToString()
    np.testing.assert_allclose(run(data, X)[0], expected_of(data, X)[0], atol=1e-5)


def test_what_it_does_not_know_it_refuses_by_name() -> None:
    with pytest.raises(EngineError, match="operator Erf"):
        OnnxModule(model("Erf", {}))


@pytest.mark.parametrize(
    ("kind", "given", "attributes"),
    [
        ("AveragePool", {}, {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ("DepthToSpace", {}, {"blocksize": 2, "mode": "DCR"}),
        ("Resize", {"": floats(0), "scales": SCALES}, {"mode": "cubic"}),
    ],
)
def test_forms_that_it_would_get_wrong_are_refused(kind: str, given: Given, attributes: dict[str, Any]) -> None:
    with pytest.raises(EngineError, match=kind):
        OnnxModule(model(kind, given, **attributes))


def test_knows_the_shared_network(network: Network) -> None:
    for each in (network.encoder, network.decoder):
        assert {node.op_type for node in onnx.load_model_from_string(each).graph.node} <= STEPS.keys()


def test_follows_the_batch(network: Network) -> None:
    module = OnnxModule(network.decoder)
    with torch.inference_mode():
        for count in (1, 3):
            made = module(torch.zeros(count, *network.spec.places, network.spec.latent_channels))
            assert [len(each) for each in made] == [count, count]
