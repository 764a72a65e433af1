"""int8 made for a processor, as TensorRT can take it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from engines.errors import EngineError
from engines.runtime.tensorrt_api import load_tensorrt
from engines.runtime.tensorrt_onnx import for_tensorrt
from engines.runtime.tensorrt_plan import PlanOptions, build_plan, profiles_up_to

SIGNED = helper.make_tensor("z", TensorProto.INT8, [], [-128])
"""Kept in int32_data, as nncf does, where a negative number takes ten bytes."""


def quantised(shift: onnx.TensorProto, scale: float = 0.05) -> bytes:
    """A convolution of one frame's rounded numbers by signed weights."""
    weights = np.random.default_rng(0).integers(-127, 128, (4, 3, 1, 1)).astype(np.int8)
    graph = helper.make_graph(
        [
            helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
            helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
            helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["dw"]),
            helper.make_node("Conv", ["d", "dw"], ["y"]),
        ],
        "quantised",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4, 8, 8])],
        [
            numpy_helper.from_array(np.array(scale, np.float32), "s"),
            shift,
            numpy_helper.from_array(weights, "w"),
            numpy_helper.from_array(np.array(0.01, np.float32), "ws"),
            numpy_helper.from_array(np.array(0, np.int8), "wz"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return bytes(model.SerializeToString())


def rounded(model: bytes, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the file makes of numbers before it computes with them."""
    loaded = onnx.load_from_string(model)
    del loaded.graph.output[:]
    loaded.opset_import[0].version = 19  # the same operators, and the first version that the evaluator knows
    loaded.graph.output.append(helper.make_tensor_value_info("d", TensorProto.FLOAT, None))
    made: Any = ReferenceEvaluator(loaded).run(["d"], {"x": x})
    return np.asarray(made[0], np.float32)


@settings(deadline=None, max_examples=30)
@given(st.one_of(st.integers(-128, 127).map(np.int8), st.integers(0, 255).map(np.uint8)), st.floats(0.01, 1))
def test_nothing_is_clipped_that_was_not_and_steps_at_most_double(shift: Any, scale: float) -> None:
    before = quantised(numpy_helper.from_array(np.array(shift), "z"), scale)
    after = for_tensorrt(before, None)
    onnx.checker.check_model(onnx.load_from_string(after), full_check=True)
    kind = np.iinfo(shift.dtype)
    lowest, highest = ((edge - int(shift)) * scale for edge in (kind.min, kind.max))
    x = np.linspace(lowest, highest, 192, dtype=np.float32).reshape(1, 3, 8, 8)
    step = max(abs(lowest), abs(highest)) / 127
    assert step <= 2.01 * scale
    assert np.abs(rounded(after, x) - x).max() <= step / 2 * 1.01


def test_a_shift_kept_as_whole_numbers_is_read() -> None:
    after = onnx.load_from_string(for_tensorrt(quantised(SIGNED), None))
    made = {each.name: numpy_helper.to_array(each) for each in after.graph.initializer}
    assert made["s/z/symmetric"] == pytest.approx(0.05 * 255 / 127)
    assert made["s/no shift"].dtype == np.int8
    assert not made["s/no shift"].any()


def test_what_has_no_shift_stays_as_it_is() -> None:
    model = quantised(numpy_helper.from_array(np.array(0, np.int8), "z"))
    after = onnx.load_from_string(for_tensorrt(model, None))
    assert [node.input for node in after.graph.node] == [node.input for node in onnx.load_from_string(model).graph.node]


def test_a_shift_that_is_computed_is_refused() -> None:
    with pytest.raises(EngineError, match="vigil quantise"):
        for_tensorrt(quantised(numpy_helper.from_array(np.array(0, np.int8), "other")), None)


@pytest.mark.parametrize("shift", [SIGNED, numpy_helper.from_array(np.array(0, np.uint8), "z")])
def test_tensorrt_builds_it(shift: onnx.TensorProto) -> None:
    try:
        rtx = load_tensorrt("tensorrt_rtx")
    except EngineError as error:
        pytest.skip(str(error))
    options = PlanOptions(precision="int8", profiles=profiles_up_to(4), capabilities=("8.6",))
    assert build_plan(quantised(shift), options, rtx)
