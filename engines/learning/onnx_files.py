"""Changing a network where it is: in its ONNX files, with what they state of themselves kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

NO_REGION = "no_region"
"""Stands in the place of an input that is left out."""


def constants(model: onnx.ModelProto) -> dict[str, NDArray[Any]]:
    """The weights by name."""
    return {each.name: np.array(numpy_helper.to_array(each)) for each in model.graph.initializer}


def replace_constants(model: onnx.ModelProto, values: dict[str, NDArray[Any]]) -> None:
    """Put other weights in the place of those of the same names."""
    for each in model.graph.initializer:
        if each.name in values:
            each.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values[each.name]), each.name))


def fold_constants(model: onnx.ModelProto) -> None:
    """Compute what depends on weights alone, drop weights that nobody uses, and state the shapes of all tensors."""
    known = constants(model)
    for node in list(model.graph.node):
        if node.input and all(name in known for name in node.input):
            made = ReferenceEvaluator(node).run(None, {name: known[name] for name in node.input})
            for name, value in zip(node.output, made, strict=True):
                known[name] = np.asarray(value)
                model.graph.initializer.append(numpy_helper.from_array(known[name], name))
            model.graph.node.remove(node)
    _fill_left_out(model)
    used = {name for node in model.graph.node for name in node.input}
    for each in [each for each in model.graph.initializer if each.name not in used]:
        model.graph.initializer.remove(each)
    model.CopyFrom(onnx.shape_inference.infer_shapes(model))


def _fill_left_out(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            if not name and node.op_type == "Resize":
                node.input[index] = NO_REGION
                if NO_REGION not in constants(model):
                    model.graph.initializer.append(numpy_helper.from_array(np.zeros(0, np.float32), NO_REGION))
