"""int8 as TensorRT has it: signed, and zero stands for zero.

Quantisation for processors shifts the range of numbers so that all of it is used: what comes out of a ReLU becomes
0..255. TensorRT multiplies signed numbers without a shift and refuses any other. The widest number that the file could
tell becomes 127, so nothing is clipped that was not before; a one-sided range is told in half as many steps, which is
what TensorRT's own calibration comes to
(https://docs.nvidia.com/deeplearning/tensorrt/latest/inference-library/work-quantized-types.html).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineError
from engines.network.protobuf import Field, number, text

_NODE_INPUT, _NODE_KIND = 1, 4
_DIMS, _TYPE, _FLOATS, _INTS, _NAME, _RAW = 1, 2, 4, 5, 8, 9
_FLOAT, _UINT8, _INT8 = 1, 2, 3
_KINDS: Final = {"QuantizeLinear", "DequantizeLinear"}
_DTYPES: Final[dict[int, np.dtype[Any]]] = {_FLOAT: np.dtype("<f4"), _UINT8: np.dtype("u1"), _INT8: np.dtype("i1")}

Message = list[Field]


def make_symmetric(nodes: list[Message], initializers: list[Message]) -> tuple[list[Message], list[Message]]:
    """Give every QuantizeLinear and DequantizeLinear a signed type and no shift; others stay as they are.

    Raises `EngineError` when a scale or shift is not a constant of the file.
    """
    tensors = {text(tensor, _NAME): tensor for tensor in initializers}
    added: dict[str, Message] = {}
    changed = [_shiftless(node, tensors, added) for node in nodes]
    return changed, [*initializers, *added.values()]


def _shiftless(node: Message, tensors: dict[str, Message], added: dict[str, Message]) -> Message:
    inputs = [each.text for each in node if each.number == _NODE_INPUT]
    if text(node, _NODE_KIND) not in _KINDS or inputs[0] in tensors:  # weights are signed and have no shift
        return node
    scale, shift = (_constant(tensors, name) for name in _scale_and_shift(inputs))
    if shift.dtype == np.int8 and not shift.any():
        return node
    names = [inputs[0], f"{inputs[1]}/{inputs[2] if len(inputs) > 2 else ''}/symmetric", f"{inputs[1]}/no shift"]
    added[names[1]] = _tensor(names[1], _symmetric(scale, shift), _FLOAT)
    added[names[2]] = _tensor(names[2], np.zeros(scale.shape, np.int8), _INT8)
    others = [each for each in node if each.number != _NODE_INPUT]
    return [*(Field.string(_NODE_INPUT, name) for name in names), *others]


def _scale_and_shift(inputs: list[str]) -> tuple[str, str]:
    if len(inputs) < 3:
        raise EngineError("the network's int8 does not state its shift: run `vigil quantise` again")
    return inputs[1], inputs[2]


def _symmetric(scale: NDArray[Any], shift: NDArray[Any]) -> NDArray[np.float32]:
    """The scale by which 127 stands for the number farthest from zero that could be told before."""
    kind = np.iinfo(shift.dtype)
    whole = shift.astype(np.int32)
    farthest = np.maximum(np.abs(kind.min - whole), np.abs(kind.max - whole))
    return np.asarray(scale * farthest / 127, np.float32)


def _constant(tensors: dict[str, Message], name: str) -> NDArray[Any]:
    """The value of a scale or shift, however it is stored."""
    tensor = tensors.get(name)
    dtype = _DTYPES.get(number(tensor, _TYPE)) if tensor is not None else None
    if tensor is None or dtype is None:
        raise EngineError(f"the network's int8 computes {name}: run `vigil quantise` again")
    shape = [each.value for each in tensor if each.number == _DIMS]
    data = b"".join(each.data for each in tensor if each.number in (_RAW, _FLOATS))
    if data:
        return np.frombuffer(data, dtype).reshape(shape)
    # int32_data holds small types as varints; of a negative number the lowest byte is what counts.
    small = [value & 0xFF for each in tensor if each.number == _INTS for value in each.values]
    return np.asarray(small, np.uint8).view(dtype).reshape(shape)


def _tensor(name: str, values: NDArray[Any], kind: int) -> Message:
    return [
        *(Field.varint(_DIMS, size) for size in values.shape),
        Field.varint(_TYPE, kind),
        Field.string(_NAME, name),
        Field.raw(_RAW, values.astype(_DTYPES[kind]).tobytes()),
    ]
