"""An ONNX file as a torch module: the operators that Vigil's networks are made of, and no others.

A profile carries its network as ONNX alone, so torch has to be given it that way. The module is plain Python over
torch functions, which `torch.export` and `torch.compile` can follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from engines.errors import EngineError
from engines.network.metadata import read_metadata

Step = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class _Node:
    """A node with what is known of it before anything runs."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    constants: Mapping[str, NDArray[Any]]
    real: torch.dtype
    """What stands for float32."""

    def constant(self, index: int) -> NDArray[Any] | None:
        """The input at `index`: an array, or None when it is left out. Raises `EngineError` when it is computed."""
        if index >= len(self.inputs) or not self.inputs[index]:
            return None
        found = self.constants.get(self.inputs[index])
        if found is None:
            raise EngineError(
                f"torch cannot run {self.kind} with a computed input {index}: set the runtime to openvino"
            )
        return found

    def whole(self, index: int) -> list[int]:
        """A constant input as whole numbers."""
        found = self.constant(index)
        return [] if found is None else [int(value) for value in found.ravel()]

    def get(self, name: str, default: Any) -> Any:
        """An attribute."""
        return self.attributes.get(name, default)


class OnnxModule(nn.Module):
    """Runs a model of one input. Raises `EngineError` for an operator or a form of one that it does not know."""

    def __init__(self, model: bytes, real: torch.dtype = torch.float32) -> None:
        """Read the model; `real` is what it computes in where the file says float32."""
        super().__init__()
        graph = _graph(model)
        constants = {each.name: np.array(numpy_helper.to_array(each)) for each in graph.initializer}
        nodes = [_node(each, constants, real) for each in graph.node]
        self.input = graph.input[0].name
        self.outputs = tuple(each.name for each in graph.output)
        self._plan = [(node, _step(node), _dynamic(node)) for node in nodes]
        self.names: dict[str, str] = {}
        """The buffer of each weight, by its name in the file."""
        used = {name for node, _, inputs in self._plan for name in inputs if name in constants}
        for number, name in enumerate(sorted(used)):
            self.names[name] = f"c{number}"
            tensor = torch.from_numpy(constants[name])
            self.register_buffer(f"c{number}", tensor.to(real) if tensor.is_floating_point() else tensor)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Run the model: its outputs in the order of `outputs`, in the module's own float format."""
        values: dict[str, Tensor] = {self.input: x}
        values.update({name: getattr(self, buffer) for name, buffer in self.names.items()})
        for node, step, inputs in self._plan:
            made = step(*(values[name] for name in inputs))
            values.update(zip(node.outputs, made if isinstance(made, tuple) else (made,), strict=True))
        return tuple(values[name] for name in self.outputs)

    def lay_channels_last(self) -> None:
        """Lay the weights out with channels last, as is the networks' NHWC input."""
        for name, buffer in list(self.named_buffers()):
            if buffer.dim() == 4:
                setattr(self, name, buffer.contiguous(memory_format=torch.channels_last))


def _graph(model: bytes) -> onnx.GraphProto:
    read_metadata(model)  # refuses what is damaged, in one line
    loaded = onnx.load_model_from_string(model)
    if len(loaded.graph.input) != 1:
        raise EngineError(f"torch runs networks of one input, this has {len(loaded.graph.input)}: use openvino")
    return loaded.graph


def _node(node: onnx.NodeProto, constants: dict[str, NDArray[Any]], real: torch.dtype) -> _Node:
    attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    return _Node(node.op_type, tuple(node.input), tuple(node.output), attributes, constants, real)


def _step(node: _Node) -> Step:
    try:
        make = STEPS[node.kind]
    except KeyError:
        raise EngineError(f"torch cannot run the operator {node.kind}: set the runtime to openvino") from None
    return make(node)


def _dynamic(node: _Node) -> tuple[str, ...]:
    """The inputs that a step takes as tensors; of the rest it has made numbers already."""
    return node.inputs[: _TENSORS.get(node.kind, len(node.inputs))]


_TENSORS: Final = {"Clip": 1, "Resize": 1, "Unsqueeze": 1, "Squeeze": 1, "Reshape": 1, "ReduceMean": 1, "Split": 1}


def _conv(node: _Node) -> Step:
    rank = len(node.get("kernel_shape", (1, 1)))
    pads = list(node.get("pads", [0] * 2 * rank))
    before, after = pads[:rank], pads[rank:]
    options = {name: list(node.get(name, [1] * rank)) for name in ("strides", "dilations")}
    groups, uneven = node.get("group", 1), before != after
    around = [side for pair in reversed(list(zip(before, after, strict=True))) for side in pair]

    def run(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        # torch pads evenly; the networks' 'SAME' padding at stride 2 is not even.
        x = functional.pad(x, around) if uneven else x
        pad = 0 if uneven else before
        return functional.conv2d(x, weight, bias, options["strides"], pad, options["dilations"], groups)

    return run


def _average_pool(node: _Node) -> Step:
    if any(node.get("pads", [0])) or node.get("ceil_mode", 0):
        raise EngineError("torch cannot run AveragePool with padding: set the runtime to openvino")
    kernel, strides = list(node.attributes["kernel_shape"]), list(node.attributes["strides"])
    return lambda x: functional.avg_pool2d(x, kernel, strides)


def _clip(node: _Node) -> Step:
    low, high = (None if bound is None else float(bound) for bound in (node.constant(1), node.constant(2)))
    return lambda x: x.clamp(low, high)


def _resize(node: _Node) -> Step:
    scales = node.constant(2)
    mode = {b"linear": "bilinear", b"nearest": "nearest"}.get(node.get("mode", b"nearest"))
    way = node.get("coordinate_transformation_mode", b"half_pixel")
    fits = way == b"half_pixel" if mode == "bilinear" else way == b"asymmetric"
    if scales is None or mode is None or not fits or (scales[:2] != 1).any():
        raise EngineError("torch cannot run Resize of this kind: set the runtime to openvino")
    factors = [float(value) for value in scales[2:]]
    if mode == "nearest":
        return lambda x: functional.interpolate(x, scale_factor=factors, mode="nearest")
    return lambda x: functional.interpolate(x, scale_factor=factors, mode="bilinear", align_corners=False)


def _depth_to_space(node: _Node) -> Step:
    if node.get("mode", b"DCR") != b"CRD":
        raise EngineError("torch cannot run DepthToSpace by depth first: set the runtime to openvino")
    size = node.attributes["blocksize"]
    return lambda x: functional.pixel_shuffle(x, size)


def _cast(node: _Node) -> Step:
    to = node.attributes["to"]
    if to == onnx.TensorProto.FLOAT:
        real = node.real
        return lambda x: x.to(real)
    dtype = torch.from_numpy(np.zeros(1, onnx.helper.tensor_dtype_to_np_dtype(to))).dtype
    return lambda x: x.to(dtype)


def _transpose(node: _Node) -> Step:
    order = list(node.attributes["perm"])
    return lambda x: x.permute(order)


def _concat(node: _Node) -> Step:
    axis = node.attributes["axis"]
    return lambda *parts: torch.cat(parts, axis)


def _split(node: _Node) -> Step:
    axis, sizes = node.get("axis", 0), node.whole(1)
    return lambda x: tuple(torch.split(x, sizes, axis))


def _reshape(node: _Node) -> Step:
    shape = node.whole(1)
    return lambda x: x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(shape)])


def _unsqueeze(node: _Node) -> Step:
    axes = sorted(node.whole(1))

    def run(x: Tensor) -> Tensor:
        for axis in axes:
            x = x.unsqueeze(axis)
        return x

    return run


def _squeeze(node: _Node) -> Step:
    axes = tuple(node.whole(1))
    return lambda x: x.squeeze(axes)


def _reduce_mean(node: _Node) -> Step:
    axes, keep = node.whole(1), bool(node.get("keepdims", 1))
    return lambda x: x.mean(axes, keepdim=keep)


def _softmax(node: _Node) -> Step:
    axis = node.get("axis", -1)
    return lambda x: x.softmax(axis)


def _per_channel(value: Tensor, x: Tensor, axis: int) -> Tensor:
    """Shape a scale or a zero point, one number or one a channel, for arithmetic with `x`."""
    if value.dim() == 0 or value.numel() == 1:
        return value.reshape(())
    return value.reshape([-1 if index == axis % x.dim() else 1 for index in range(x.dim())])


def _quantize(node: _Node) -> Step:
    """Round to the grid of int8 or uint8, kept in floating point: what an int8 engine's numbers stand for."""
    axis, zero = node.get("axis", 1), node.constant(2)
    low, high = (0, 255) if zero is None or zero.dtype == np.uint8 else (-128, 127)

    def run(x: Tensor, scale: Tensor, offset: Tensor | float = 0.0) -> Tensor:
        shift = _per_channel(offset, x, axis) if isinstance(offset, Tensor) else offset
        return ((x / _per_channel(scale, x, axis)).round() + shift).clamp(low, high)

    return run


def _dequantize(node: _Node) -> Step:
    axis = node.get("axis", 1)

    def run(x: Tensor, scale: Tensor, offset: Tensor | float = 0.0) -> Tensor:
        shift = _per_channel(offset, x, axis).to(scale.dtype) if isinstance(offset, Tensor) else offset
        return (x.to(scale.dtype) - shift) * _per_channel(scale, x, axis)

    return run


def _always(step: Step) -> Callable[[_Node], Step]:
    return lambda _: step


STEPS: Final[Mapping[str, Callable[[_Node], Step]]] = {
    "Add": _always(torch.add),
    "AveragePool": _average_pool,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "Conv": _conv,
    "DepthToSpace": _depth_to_space,
    "DequantizeLinear": _dequantize,
    "Div": _always(torch.div),
    "Exp": _always(torch.exp),
    "Identity": _always(lambda x: x),
    "MatMul": _always(torch.matmul),
    "Mul": _always(torch.mul),
    "QuantizeLinear": _quantize,
    "ReduceMean": _reduce_mean,
    "Relu": _always(torch.relu),
    "Reshape": _reshape,
    "Resize": _resize,
    "Sigmoid": _always(torch.sigmoid),
    "Softmax": _softmax,
    "Split": _split,
    "Sqrt": _always(torch.sqrt),
    "Squeeze": _squeeze,
    "Sub": _always(torch.sub),
    "Tanh": _always(torch.tanh),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
"""What a network may be made of."""
