"""An ONNX network made fit for TensorRT: uint8 taken in as TensorRT takes it, arithmetic in half precision.

TensorRT 11 builds strongly typed networks only: the precision of a layer is that of its tensors in the file (TensorRT
10 does so on demand, and Vigil always demands it). So half precision must be in the file. It is put there here, on the
serialised file itself and without the onnx package, which a machine that only watches does not have.

Four things are done:

- A uint8 input is cast to floats at once. TensorRT refuses every other operation on uint8, and the networks that Vigil
  exports turn the picture's axes first.
- For half precision, weights and casts to float32 become f16 or bf16.
- int8 loses its shifts: see `tensorrt_symmetric`.
- A cast stands at each float32 input and output, so that what goes in and comes out keeps its type.

The layout of the messages is that of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineError
from engines.network.protobuf import Field, decode, encode, number, text
from engines.runtime.tensorrt_symmetric import make_symmetric

Half = Literal["f16", "bf16"]

_MODEL_GRAPH, _MODEL_OPSET = 7, 8
_NODE, _INITIALIZER, _INPUT, _OUTPUT, _VALUE_INFO = 1, 5, 11, 12, 13
_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_KIND, _NODE_ATTRIBUTE = 1, 2, 3, 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_INT, _ATTRIBUTE_TENSOR, _ATTRIBUTE_TYPE = 1, 3, 5, 20
_TENSOR_TYPE, _TENSOR_FLOATS, _TENSOR_NAME, _TENSOR_RAW, _TENSOR_LOCATION = 2, 4, 8, 9, 14
_OPSET_DOMAIN, _OPSET_VERSION = 1, 2
_INT_ATTRIBUTE: Final = 2

_FLOAT, _UINT8, _FLOAT16, _BFLOAT16 = 1, 2, 10, 16
_ELEMENT: Final[dict[Half, int]] = {"f16": _FLOAT16, "bf16": _BFLOAT16}
_BF16_OPSET: Final = 22
"""From here on Conv and AveragePool are defined for bf16; what Vigil exports means the same in it as in 18."""
_KEEP: Final = {"Resize": (1, 2), "Upsample": (1,)}
"""Inputs, by operator, that stay float32 by definition: scales and regions of interest."""


@dataclass
class _Graph:
    """A graph's messages, taken apart."""

    nodes: list[list[Field]] = field(default_factory=list)
    initializers: list[list[Field]] = field(default_factory=list)
    rest: list[Field] = field(default_factory=list)


def for_tensorrt(model: bytes, half: Half | None) -> bytes:
    """Rewrite a serialised ONNX model; `half` is what its float32 arithmetic becomes, None leaves it.

    Inputs and outputs keep their names, shapes and types. Raises `EngineError` when the model is no whole ONNX file,
    has weights in other files, is quantised (only without `half`) or has weights beyond what f16 can hold.
    """
    fields = decode(model)
    parts = [_taken(decode(each.data)) for each in fields if each.number == _MODEL_GRAPH]
    if len(parts) != 1:
        raise EngineError("the network file has no graph: restore it or install Vigil again")
    graph = parts[0]
    if half is not None:
        _refuse_quantised(graph)
        _to_half(graph, half)
    graph.nodes, graph.initializers = make_symmetric(graph.nodes, graph.initializers)
    _cast_ends(graph, half)
    return encode(_model_fields(fields, graph, half))


def operators(model: bytes) -> set[str]:
    """The operators that a serialised ONNX model is made of. Raises `EngineError` when it is no whole ONNX file."""
    graphs = (_taken(decode(each.data)) for each in decode(model) if each.number == _MODEL_GRAPH)
    return {text(node, _NODE_KIND) for graph in graphs for node in graph.nodes}


def _taken(fields: list[Field]) -> _Graph:
    graph = _Graph()
    for each in fields:
        if each.number == _NODE:
            graph.nodes.append(decode(each.data))
        elif each.number == _INITIALIZER:
            graph.initializers.append(decode(each.data))
        elif each.number != _VALUE_INFO:  # types of inner tensors, which are no longer true
            graph.rest.append(each)
    return graph


def _model_fields(fields: list[Field], graph: _Graph, half: Half | None) -> Iterator[Field]:
    for each in fields:
        if each.number == _MODEL_GRAPH:
            messages = [(_NODE, node) for node in graph.nodes]
            messages += [(_INITIALIZER, tensor) for tensor in graph.initializers]
            made = [Field.message(number, message) for number, message in messages]
            yield Field.message(_MODEL_GRAPH, [*made, *graph.rest])
        elif each.number == _MODEL_OPSET and half == "bf16":
            yield Field.message(_MODEL_OPSET, _risen(decode(each.data)))
        else:
            yield each


def _risen(opset: list[Field]) -> list[Field]:
    """The same set of operators in a version that knows bf16."""
    if text(opset, _OPSET_DOMAIN):
        return opset
    version = max(number(opset, _OPSET_VERSION), _BF16_OPSET)
    return [each for each in opset if each.number != _OPSET_VERSION] + [Field.varint(_OPSET_VERSION, version)]


def _refuse_quantised(graph: _Graph) -> None:
    kinds = {text(node, _NODE_KIND) for node in graph.nodes}
    if kinds & {"QuantizeLinear", "DequantizeLinear"}:
        raise EngineError("the network is quantised already: build it at precision int8")


def _to_half(graph: _Graph, half: Half) -> None:
    kept = _kept(graph)
    graph.initializers = [
        tensor if text(tensor, _TENSOR_NAME) in kept else _halved(tensor, half) for tensor in graph.initializers
    ]
    graph.nodes = [_node_halved(node, half) for node in graph.nodes]


def _kept(graph: _Graph) -> set[str]:
    """Names of tensors that stay float32."""
    names: set[str] = set()
    for node in graph.nodes:
        inputs = [each.text for each in node if each.number == _NODE_INPUT]
        places = _KEEP.get(text(node, _NODE_KIND), ())
        names |= {inputs[place] for place in places if place < len(inputs)}
    return names


def _node_halved(node: list[Field], half: Half) -> list[Field]:
    kind = text(node, _NODE_KIND)
    return [_attribute_halved(each, kind, half) if each.number == _NODE_ATTRIBUTE else each for each in node]


def _attribute_halved(entry: Field, kind: str, half: Half) -> Field:
    attribute = decode(entry.data)
    name = text(attribute, _ATTRIBUTE_NAME)
    if kind == "Cast" and name == "to" and number(attribute, _ATTRIBUTE_INT) == _FLOAT:
        others = [each for each in attribute if each.number != _ATTRIBUTE_INT]
        return Field.message(_NODE_ATTRIBUTE, [*others, Field.varint(_ATTRIBUTE_INT, _ELEMENT[half])])
    return Field.message(
        _NODE_ATTRIBUTE,
        [
            Field.message(_ATTRIBUTE_TENSOR, _halved(decode(each.data), half))
            if each.number == _ATTRIBUTE_TENSOR
            else each
            for each in attribute
        ],
    )


def _halved(tensor: list[Field], half: Half) -> list[Field]:
    """A float32 tensor in half precision; any other as it is."""
    if number(tensor, _TENSOR_TYPE) != _FLOAT:
        return tensor
    if number(tensor, _TENSOR_LOCATION):
        raise EngineError("the network keeps its weights in another file: export it again as one file")
    name = text(tensor, _TENSOR_NAME)
    changed = (_TENSOR_TYPE, _TENSOR_FLOATS, _TENSOR_RAW)
    return [
        *(each for each in tensor if each.number not in changed),
        Field.varint(_TENSOR_TYPE, _ELEMENT[half]),
        Field.raw(_TENSOR_RAW, _rounded(_values(tensor), half, name)),
    ]


def _values(tensor: list[Field]) -> NDArray[np.float32]:
    data = b"".join(each.data for each in tensor if each.number in (_TENSOR_RAW, _TENSOR_FLOATS))
    return np.frombuffer(data, "<f4")


def _rounded(values: NDArray[np.float32], half: Half, name: str) -> bytes:
    if half == "bf16":
        bits = values.view(np.uint32).astype(np.uint64)
        nearest = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16  # half to even, as processors round
        return nearest.astype("<u2").tobytes()
    with np.errstate(over="ignore"):
        made = values.astype("<f2")
    if not np.isfinite(made[np.isfinite(values)]).all():
        raise EngineError(f"weight {name} of the network does not fit into f16: set the precision to bf16 or f32")
    return made.tobytes()


def _cast_ends(graph: _Graph, half: Half | None) -> None:
    """Cast each input to what is computed in, and each output back."""
    inner = _FLOAT if half is None else _ELEMENT[half]
    changing = (_UINT8,) if half is None else (_UINT8, _FLOAT)
    inputs = [name for name, kind in _ends(graph, _INPUT) if kind in changing]
    outputs = [name for name, kind in _ends(graph, _OUTPUT) if kind == _FLOAT and half is not None]
    names = {name: f"{name}/{half or 'f32'}" for name in (*inputs, *outputs)}
    graph.nodes = [
        *(_cast(name, names[name], inner) for name in inputs),
        *(_renamed(node, names) for node in graph.nodes),
        *(_cast(names[name], name, _FLOAT) for name in outputs),
    ]


def _ends(graph: _Graph, which: int) -> Iterator[tuple[str, int]]:
    """Name and element type of each input or output that is a tensor and no weight."""
    weights = {text(tensor, _TENSOR_NAME) for tensor in graph.initializers}
    for each in graph.rest:
        if each.number != which:
            continue
        info = decode(each.data)  # ValueInfoProto: name = 1, type = 2; TypeProto: tensor = 1; Tensor: elem_type = 1
        if text(info, 1) in weights:
            continue
        for kind in (part for part in info if part.number == 2):
            for tensor in (part for part in decode(kind.data) if part.number == 1):
                yield text(info, 1), number(decode(tensor.data), 1)


def _renamed(node: list[Field], names: dict[str, str]) -> list[Field]:
    ends = (_NODE_INPUT, _NODE_OUTPUT)
    return [
        Field.string(each.number, names.get(each.text, each.text)) if each.number in ends else each for each in node
    ]


def _cast(source: str, target: str, element: int) -> list[Field]:
    to = [
        Field.string(_ATTRIBUTE_NAME, "to"),
        Field.varint(_ATTRIBUTE_INT, element),
        Field.varint(_ATTRIBUTE_TYPE, _INT_ATTRIBUTE),
    ]
    return [
        Field.string(_NODE_INPUT, source),
        Field.string(_NODE_OUTPUT, target),
        Field.string(_NODE_NAME, f"cast {source} to {target}"),
        Field.string(_NODE_KIND, "Cast"),
        Field.message(_NODE_ATTRIBUTE, to),
    ]
