"""Messages as subscribers get them, of every topic."""

from __future__ import annotations

import random
import re
from pathlib import Path

import jsonschema
import msgspec

from benchmarks.fuzzing.mutate import spoil_json, spoil_parts
from benchmarks.fuzzing.target import Target, Workshop, require
from pipelines.errors import WireError
from pipelines.schema import wire_schema
from pipelines.wire import decode

_PAGE = Path(__file__).parents[2] / "docs" / "alerts.md"
_TOPICS = ("alert", "status", "health", "regime")
_JPEG, _PNG = b"\xff\xd8\xff\xe0 a picture", b"\x89PNG a map"


def wire_target(_: Workshop) -> Target:
    """`pipelines.wire.decode`; what it takes must fit the published JSON Schema too."""
    validator = jsonschema.Draft202012Validator(wire_schema())

    def check(data: bytes) -> bool:
        parts = unpack(data)
        try:
            message = decode(parts)
        except WireError as error:
            require(len(str(error)) < 1_000, "an error of more than 1000 characters")
            return False
        written = msgspec.json.encode(message.header)
        again = decode([parts[0], written, *parts[2:]])
        require(again == message, "the header does not come back as it was read")
        fault = next(iter(validator.iter_errors(msgspec.json.decode(written))), None)
        require(fault is None, f"accepted, but not by the published schema: {fault and fault.message[:200]}")
        return True

    return Target("wire", [pack(parts) for parts in _seeds()], mutate, check)


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Among the parts, or in one of them as JSON."""
    return pack(spoil_parts(unpack(data), chance, spoil_json))


def pack(parts: list[bytes]) -> bytes:
    """A multipart message as one block."""
    return msgspec.msgpack.encode(parts)


def unpack(data: bytes) -> list[bytes]:
    """The inverse."""
    return msgspec.msgpack.decode(data, type=list[bytes])


def _seeds() -> list[list[bytes]]:
    page = _PAGE.read_text(encoding="utf-8")
    found = {kind: re.search(rf"^```json {kind}\n(.*?)^```", page, re.DOTALL | re.MULTILINE) for kind in _TOPICS}
    seeds = []
    for kind, match in found.items():
        if match is None:
            raise ValueError(f"{_PAGE} has no example of an {kind}")
        header = msgspec.json.decode(match[1])
        topic = f"{kind}.{header['camera']}".encode()
        pictures = [_JPEG, _JPEG, _PNG] if kind == "alert" else []
        seeds.append([topic, msgspec.json.encode(header), *pictures])
    return seeds
