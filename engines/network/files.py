"""The network as it ships and travels: two ONNX files that state their own sizes. No torch is needed here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec

from engines.contract import NetworkSpec
from engines.errors import EngineError
from engines.network.metadata import read_metadata
from engines.quoting import shortened

SPEC_KEY: Final = "vigil.spec"
"""The metadata key under which both files state their `NetworkSpec` as JSON."""
PROVENANCE_KEY: Final = "vigil.provenance"
"""The metadata key under which both files state how they were made, as JSON."""

_MAGIC = b"vigil-network-1\n"
_MAGIC_INT8 = b"vigil-network-2\n"
"""With quantised files beside the others."""
_DIGEST = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Network:
    """A compiled-to-be encoder-decoder: ONNX opset 18 with dynamic batch.

    The encoder turns `pixels` uint8 [N, H, W, 3] RGB into `latent` float32 [N, h, w, C] and `features`
    float32 [N, h, w, F]; the decoder turns `latent` back into `features` and `picture` float32 [N, P, P, 3]
    in 0..1. The decoder sees nothing but the latent.
    """

    encoder: bytes
    decoder: bytes
    spec: NetworkSpec
    int8: tuple[bytes, bytes] | None = None
    """The same encoder and decoder with explicit QuantizeLinear and DequantizeLinear, calibrated on footage."""

    @cached_property
    def id(self) -> str:
        """The first 12 hex digits of the SHA-256 over both files; int8 is another precision of the same network."""
        return hashlib.sha256(self.encoder + self.decoder).hexdigest()[:12]

    def files(self, precision: str) -> tuple[bytes, bytes]:
        """The encoder and decoder to compile for a precision. Raises `EngineError` when the network has none for it."""
        if precision != "int8":
            return self.encoder, self.decoder
        if self.int8 is None:
            raise EngineError("the network was never quantised: run `vigil quantise` or set the precision to auto")
        return self.int8

    @property
    def provenance(self) -> dict[str, object]:
        """How the network was made: recipe, seed, corpus, figures and versions; empty if it does not say."""
        text = read_metadata(self.encoder).get(PROVENANCE_KEY, "{}")
        return msgspec.json.decode(text, type=dict[str, object])

    def to_bytes(self) -> bytes:
        """One block of bytes, with its own SHA-256, for a profile to embed."""
        body = msgspec.msgpack.encode((self.encoder, self.decoder, *(self.int8 or ())))
        return (_MAGIC_INT8 if self.int8 else _MAGIC) + hashlib.sha256(body).digest() + body

    @classmethod
    def from_bytes(cls, data: bytes) -> Network:
        """Read what `to_bytes` wrote. Raises `EngineError` when it is damaged or something else."""
        if not data.startswith((_MAGIC, _MAGIC_INT8)):
            raise EngineError("this is not a Vigil network, or one of another version: export it again")
        digest, body = data[len(_MAGIC) :][:_DIGEST], data[len(_MAGIC) + _DIGEST :]
        if hashlib.sha256(body).digest() != digest:
            raise EngineError("the network is damaged (its checksum does not fit): restore it from a copy")
        if data.startswith(_MAGIC):
            return cls.from_onnx(*msgspec.msgpack.decode(body, type=tuple[bytes, bytes]))
        encoder, decoder, *int8 = msgspec.msgpack.decode(body, type=tuple[bytes, bytes, bytes, bytes])
        return cls.from_onnx(encoder, decoder).with_int8(*int8)

    @classmethod
    def from_onnx(cls, encoder: bytes, decoder: bytes) -> Network:
        """Pair two ONNX files. Raises `EngineError` when either is damaged or they do not belong together."""
        spec, other = _spec(encoder, "encoder"), _spec(decoder, "decoder")
        if spec != other:
            raise EngineError(f"encoder and decoder do not belong together: one states {spec}, the other {other}")
        return cls(encoder, decoder, spec)

    def with_int8(self, encoder: bytes, decoder: bytes) -> Network:
        """Put quantised files beside the others. Raises `EngineError` when they are not of this network's sizes."""
        if (_spec(encoder, "int8 encoder"), _spec(decoder, "int8 decoder")) != (self.spec, self.spec):
            raise EngineError("the int8 files are of a network of other sizes: quantise this one")
        return replace(self, int8=(encoder, decoder))

    @classmethod
    def load(cls, folder: Path) -> Network:
        """Read ``encoder.onnx`` and ``decoder.onnx`` from a folder. Raises `EngineError`."""
        return cls.from_onnx(*(_read(folder / name) for name in ("encoder.onnx", "decoder.onnx")))

    def save(self, folder: Path) -> None:
        """Write ``encoder.onnx`` and ``decoder.onnx`` into a folder, which is made if it is missing."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "encoder.onnx").write_bytes(self.encoder)
        (folder / "decoder.onnx").write_bytes(self.decoder)


def shared_network() -> Network:
    """Load the network that ships inside the package. Raises `EngineError` when the install is damaged."""
    with resources.as_file(resources.files("engines.network").joinpath("shared")) as folder:
        return Network.load(folder)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EngineError(f"cannot read the network file {path}: {error.strerror}") from error


def _spec(model: bytes, which: str) -> NetworkSpec:
    text = read_metadata(model).get(SPEC_KEY)
    if text is None:
        raise EngineError(f"the {which} does not state its sizes: it is not a network that Vigil exported")
    try:
        return msgspec.json.decode(text, type=NetworkSpec)
    except msgspec.DecodeError as error:
        raise EngineError(
            f"the {which} states sizes that make no sense ({shortened(error)}): export it again"
        ) from error
