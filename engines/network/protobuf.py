"""Protocol-buffer messages taken apart and put together again, without their schema.

Every field is kept, so that what is not understood is written back as it was
(https://protobuf.dev/programming-guides/encoding).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from engines.errors import EngineError
from engines.quoting import shortened

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES: Final = {_FIXED64: 8, _FIXED32: 4}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message."""

    number: int
    wire: int
    data: bytes
    """A length-delimited field's content; of any other its bytes as they are in the file."""

    @classmethod
    def varint(cls, number: int, value: int) -> Field:
        """A number that is not negative."""
        return cls(number, _VARINT, _written(value))

    @classmethod
    def raw(cls, number: int, data: bytes) -> Field:
        """A string of bytes."""
        return cls(number, _LENGTH, data)

    @classmethod
    def string(cls, number: int, value: str) -> Field:
        """A text."""
        return cls(number, _LENGTH, value.encode())

    @classmethod
    def message(cls, number: int, fields: Iterable[Field]) -> Field:
        """A message within the message."""
        return cls(number, _LENGTH, encode(fields))

    @property
    def text(self) -> str:
        """A text field's value."""
        return self.data.decode()

    @property
    def value(self) -> int:
        """A varint's value."""
        return _read(self.data, 0)[0]

    @property
    def values(self) -> list[int]:
        """The numbers of a repeated varint field: one, or many packed into a string of bytes."""
        found, at = [], 0
        while at < len(self.data):
            value, at = _read(self.data, at)
            found.append(value)
        return found


def decode(message: bytes) -> list[Field]:
    """Take a message apart. Raises `EngineError` when it does not end where its last field ends."""
    fields: list[Field] = []
    at = 0
    try:
        while at < len(message):
            made, at = _field(message, at)
            fields.append(made)
    except (IndexError, ValueError) as error:
        raise EngineError(
            f"the network file is damaged ({shortened(error)}): restore it or install Vigil again"
        ) from error
    return fields


def encode(fields: Iterable[Field]) -> bytes:
    """Put a message together."""
    parts: list[bytes] = []
    for each in fields:
        parts.append(_written(each.number << 3 | each.wire))
        if each.wire == _LENGTH:
            parts.append(_written(len(each.data)))
        parts.append(each.data)
    return b"".join(parts)


def text(fields: Sequence[Field], number: int) -> str:
    """The text in a field; empty when it is not there."""
    return next((each.text for each in fields if each.number == number), "")


def number(fields: Sequence[Field], number: int) -> int:
    """The whole number in a field; 0 when it is not there."""
    return next((each.value for each in fields if each.number == number), 0)


def _field(message: bytes, at: int) -> tuple[Field, int]:
    tag, at = _read(message, at)
    wire, start = tag & 7, at
    if wire == _VARINT:
        _, end = _read(message, at)
    elif wire == _LENGTH:
        size, start = _read(message, at)
        end = start + size
    elif wire in _FIXED_SIZES:
        end = at + _FIXED_SIZES[wire]
    else:
        raise ValueError(f"no field begins at byte {at}")
    if end > len(message):
        raise ValueError(f"{end - len(message)} bytes are missing at its end")
    return Field(tag >> 3, wire, message[start:end]), end


def _read(message: bytes, at: int) -> tuple[int, int]:
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


def _written(value: int) -> bytes:
    made = bytearray()
    while value >= 0x80:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)
