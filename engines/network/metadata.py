"""What an ONNX file says of itself, read without the onnx package.

An ONNX file is one protocol-buffer message, `ModelProto`; its field 14, `metadata_props`, holds pairs of strings.
Only the outermost fields are walked, so reading costs microseconds whatever the size of the weights. A file that
was cut short or overwritten does not end where its last field ends, and is refused.
"""

from __future__ import annotations

from engines.errors import EngineError
from engines.network.protobuf import decode
from engines.quoting import shortened

_METADATA_FIELD = 14


def read_metadata(model: bytes) -> dict[str, str]:
    """Return the metadata of a serialised ONNX model.

    Raises `EngineError` when the bytes are not a whole ONNX model.
    """
    if not model:
        raise EngineError("the network file is empty: restore it or install Vigil again")
    try:
        return dict(_pair(each.data) for each in decode(model) if each.number == _METADATA_FIELD)
    except ValueError as error:
        raise EngineError(
            f"the network file is damaged ({shortened(error)}): restore it or install Vigil again"
        ) from error


def _pair(entry: bytes) -> tuple[str, str]:
    texts = {each.number: each.text for each in decode(entry)}
    return texts.get(1, ""), texts.get(2, "")
