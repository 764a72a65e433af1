"""The file that TensorRT is given: still ONNX, still the same network, in another precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from engines.contract import Pixels
from engines.errors import EngineError
from engines.network.files import SPEC_KEY, Network
from engines.network.metadata import read_metadata
from engines.network.protobuf import Field, decode, encode
from engines.runtime.core import openvino_core
from engines.runtime.tensorrt_onnx import Half, for_tensorrt, operators
from tests.engines.conftest import film

HALVES: tuple[Half | None, ...] = (None, "f16", "bf16")


@pytest.fixture(scope="module")
def frame() -> Pixels:
    return film(1)[1][:1]


@pytest.fixture(scope="module")
def wanted(network: Network, frame: Pixels) -> dict[str, NDArray[np.float32]]:
    return computed(network.encoder, frame)


def computed(model: bytes, inputs: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
    """What OpenVINO makes of the file in float32 arithmetic, so that only its weights are rounded."""
    core = openvino_core()
    compiled = core.compile_model(core.read_model(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    made = compiled(inputs)
    return {output.any_name: made[output] for output in compiled.outputs}


def small(weight: NDArray[np.float32], **more: Any) -> bytes:
    """A product with one weight."""
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["y"], **more)],
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("half", HALVES)
def test_stays_valid_onnx_with_the_same_ends(network: Network, half: Half | None) -> None:
    for before in (network.encoder, network.decoder):
        old, new = onnx.load_from_string(before), onnx.load_from_string(for_tensorrt(before, half))
        onnx.checker.check_model(new, full_check=True)
        assert list(new.graph.input) == list(old.graph.input)
        assert list(new.graph.output) == list(old.graph.output)
        assert read_metadata(new.SerializeToString())[SPEC_KEY] == read_metadata(before)[SPEC_KEY]


@pytest.mark.parametrize("half", HALVES)
def test_nothing_but_a_cast_touches_uint8(network: Network, half: Half | None) -> None:
    model = onnx.load_from_string(for_tensorrt(network.encoder, half))
    assert [node.op_type for node in model.graph.node if "pixels" in node.input] == ["Cast"]


def test_every_weight_is_half_but_for_scales(network: Network) -> None:
    model = onnx.load_from_string(for_tensorrt(network.encoder, "f16"))
    scales = {node.input[2] for node in model.graph.node if node.op_type == "Resize"}
    kinds = {weight.name: weight.data_type for weight in model.graph.initializer}
    assert {kinds.pop(name) for name in scales} == {TensorProto.FLOAT}
    assert set(kinds.values()) == {TensorProto.FLOAT16, TensorProto.INT64}


@pytest.mark.parametrize(("half", "error"), [(None, 0.0), ("f16", 0.01), ("bf16", 0.08)])
def test_computes_the_same_network(
    network: Network, wanted: dict[str, NDArray[np.float32]], frame: Pixels, half: Half | None, error: float
) -> None:
    made = computed(for_tensorrt(network.encoder, half), frame)
    for name in ("latent", "features"):
        assert np.abs(made[name] - wanted[name]).mean() <= error


def test_regenerates_the_same_picture(network: Network, wanted: dict[str, NDArray[np.float32]]) -> None:
    made, exact = (computed(for_tensorrt(network.decoder, half), wanted["latent"]) for half in HALVES[1::-1])
    assert np.abs(made["picture"] - exact["picture"]).max() < 0.005


@given(st.floats(width=32, min_value=-(2.0**126), max_value=2.0**126, allow_subnormal=False))
def test_bf16_is_the_nearest_there_is(value: float) -> None:
    weights = np.full(2, value, np.float32)
    model = onnx.load_from_string(for_tensorrt(small(weights), "bf16"))
    bits = np.frombuffer(model.graph.initializer[0].raw_data, np.uint16).astype(np.uint32) << 16
    made = bits.view(np.float32)[0]
    assert abs(float(made) - float(weights[0])) <= max(abs(float(weights[0])) / 256, 1e-38)


def test_says_which_weight_f16_cannot_hold() -> None:
    with pytest.raises(EngineError, match="weight w of the network does not fit into f16: set the precision to bf16"):
        for_tensorrt(small(np.array([1, 1e6], np.float32)), "f16")


def test_refuses_to_halve_what_is_quantised() -> None:
    scale, zero = (
        numpy_helper.from_array(np.array(0.1, np.float32), "s"),
        numpy_helper.from_array(np.array(0, np.int8), "z"),
    )
    graph = helper.make_graph(
        [
            helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
            helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
        ],
        "quantised",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2])],
        [scale, zero],
    )
    model = helper.make_model(graph).SerializeToString()
    assert operators(model) == {"QuantizeLinear", "DequantizeLinear"}
    with pytest.raises(EngineError, match="quantised already"):
        for_tensorrt(model, "f16")
    onnx.checker.check_model(onnx.load_from_string(for_tensorrt(model, None)), full_check=True)


@pytest.mark.parametrize("damaged", [b"", b"hello", b"\x08\x0a"])
def test_refuses_what_is_no_network(damaged: bytes) -> None:
    with pytest.raises(EngineError, match="network file"):
        for_tensorrt(damaged, "f16")


def test_refuses_a_file_cut_short(network: Network) -> None:
    with pytest.raises(EngineError, match="missing at its end"):
        for_tensorrt(network.encoder[:-100], "f16")


@given(st.lists(st.tuples(st.integers(1, 2000), st.one_of(st.integers(0, 2**64 - 1), st.binary(max_size=300)))))
def test_messages_survive_being_taken_apart(entries: list[tuple[int, int | bytes]]) -> None:
    fields = [
        Field.varint(number, value) if isinstance(value, int) else Field.raw(number, value) for number, value in entries
    ]
    assert decode(encode(fields)) == fields
    assert [each.value for each in fields if each.wire == 0] == [each for _, each in entries if isinstance(each, int)]
