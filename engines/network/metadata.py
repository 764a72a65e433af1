"""What an ONNX file says of itself, read without the onnx package.

An ONNX file is one protocol-buffer message, `ModelProto`; its field 14, `metadata_props`, holds pairs of strings.
Only the outermost fields are walked, so reading costs microseconds whatever the size of the weights. A file that
was cut short or overwritten does not end where its last field ends, and is refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from engines.errors import EngineError

_METADATA_FIELD = 14
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}


def read_metadata(model: bytes) -> dict[str, str]:
    """Return the metadata of a serialised ONNX model.

    Raises `EngineError` when the bytes are not a whole ONNX model.
    """
    if not model:
        raise EngineError("the network file is empty: restore it or install Vigil again")
    try:
        return dict(_pair(value) for field, value in _fields(model) if field == _METADATA_FIELD)
    except (IndexError, ValueError) as error:
        raise EngineError(f"the network file is damaged ({error}): restore it or install Vigil again") from error


def _pair(entry: bytes) -> tuple[str, str]:
    parts = dict(_fields(entry))
    return parts.get(1, b"").decode(), parts.get(2, b"").decode()


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the bytes of each field; numbers stored as varints yield no bytes."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            _, at = _varint(message, at)
            end = at
        elif kind == _LENGTH:
            size, at = _varint(message, at)
            end = at + size
        elif kind in _FIXED_SIZES:
            end = at + _FIXED_SIZES[kind]
        else:
            raise ValueError(f"no field begins at byte {at}")
        if end > len(message):
            raise ValueError(f"{end - len(message)} bytes are missing at its end")
        yield tag >> 3, message[at:end]
        at = end


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError(f"no number ends at byte {at}")
