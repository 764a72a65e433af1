"""What enrolment makes of a camera's normal footage: one file, hashed as a whole.

Layout: magic, format version, SHA-256 of all that follows, then the lengths and contents of the manifest (JSON, for
people), the arrays (npz) and the network. Whatever is damaged, cut short or foreign is refused before it is used.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from engines.contract import REGIMES, Regime
from engines.errors import EngineError, ProfileError
from engines.network.files import Network
from engines.npz import read_npz
from engines.quoting import shortened
from engines.regime import regime_of
from engines.whole import write_whole

Arrays = Mapping[str, NDArray[Any]]

MAGIC: Final = b"VIGILPRF"
FORMAT: Final = 2
"""Grows when a file could no longer be read by an older Vigil. A profile of one regime is still written as 1."""
_HEAD: Final = struct.Struct("<8sI32s")
_LENGTHS: Final = struct.Struct("<QQQ")
_AGAIN: Final = "enrol the camera again or restore the file from a copy"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a profile that is text."""

    still: bool
    threshold: float
    provenance: dict[str, Any]
    regime: Regime | None = None
    """Absent from profiles of a Vigil that knew no regimes."""
    others: dict[Regime, float] = {}
    """Thresholds of further regimes, whose arrays are named ``REGIME/NAME``."""


@dataclass(frozen=True, eq=False)
class Part:
    """What frames of one regime are judged by."""

    threshold: float
    """Frames that score at least this are flagged, in units of surprise."""
    arrays: Arrays = field(repr=False)


@dataclass(frozen=True, eq=False)
class Profile:
    """A camera's normality, with the network that its latents come from."""

    network: Network
    still: bool
    """Learnt from unrelated pictures: no motion, no smoothing in time."""
    threshold: float
    """Frames that score at least this are flagged, in units of surprise."""
    provenance: Mapping[str, Any]
    """For people: sources, frames, left out, settings, figures, versions, date."""
    arrays: Arrays = field(repr=False)
    """What the detector judges by: see `engines.normality`."""
    regime: Regime = "day"
    """The regime that most is known of: `threshold` and `arrays` are its."""
    others: Mapping[Regime, Part] = field(default_factory=dict)
    """What is known of further regimes."""

    @property
    def regimes(self) -> dict[Regime, Part]:
        """What is known of each regime, the one that most is known of first."""
        return {self.regime: Part(self.threshold, self.arrays), **self.others}

    def with_threshold(self, threshold: float) -> Profile:
        """The same with another threshold, in every regime."""
        others = {regime: Part(threshold, part.arrays) for regime, part in self.others.items()}
        return dataclasses.replace(self, threshold=threshold, others=others)

    @property
    def id(self) -> str:
        """The first 12 hex digits of the file's SHA-256."""
        return _digest(self._body()).hex()[:12]

    def save(self, path: Path) -> None:
        """Write the file whole or not at all. Raises `ProfileError` when it cannot be written."""
        body = self._body()
        try:
            write_whole(path, _HEAD.pack(MAGIC, FORMAT if self.others else 1, _digest(body)) + body)
        except OSError as error:
            raise ProfileError(f"{path}: cannot write the profile ({error.strerror}): check the folder") from error

    @classmethod
    def load(cls, path: Path) -> Profile:
        """Read and verify a file. Raises `ProfileError`, which names the path and what to do."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ProfileError(f"{path}: cannot read the profile ({error.strerror}): check the path") from error
        try:
            return cls.from_bytes(data)
        except ProfileError as error:
            raise ProfileError(f"{path}: {error}") from error

    @classmethod
    def from_bytes(cls, data: bytes) -> Profile:
        """Read what `save` wrote. Raises `ProfileError`."""
        manifest, arrays, network = _split(_verified(data))
        try:
            told = msgspec.json.decode(manifest, type=Manifest)
            own, others = _parts(told, read_npz(arrays))
            regime = told.regime or regime_of(own.get("light.usual"))
            return cls(Network.from_bytes(network), told.still, told.threshold, told.provenance, own, regime, others)
        except (EngineError, ValueError, RecursionError) as error:  # what msgspec raises is a ValueError
            raise ProfileError(f"the profile's contents make no sense ({shortened(error)}): {_AGAIN}") from error

    def _body(self) -> bytes:
        others = {regime: part.threshold for regime, part in self.others.items()}
        told = Manifest(
            still=self.still,
            threshold=self.threshold,
            provenance=dict(self.provenance),
            regime=self.regime,
            others=others,
        )
        arrays = dict(self.arrays)
        for regime, part in self.others.items():
            arrays |= {f"{regime}/{name}": values for name, values in part.arrays.items()}
        parts = (msgspec.json.encode(told), _pack(arrays), self.network.to_bytes())
        return _LENGTHS.pack(*map(len, parts)) + b"".join(parts)


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


def _verified(data: bytes) -> bytes:
    if not data.startswith(MAGIC[: max(len(data), 1)]):
        raise ProfileError("this is not a Vigil profile: give a file that `vigil enrol` made")
    if len(data) < _HEAD.size:
        raise ProfileError(f"the profile is cut short: {_AGAIN}")
    _, version, digest = _HEAD.unpack_from(data)
    if version > FORMAT:
        raise ProfileError(f"a newer Vigil made this profile (format {version}, this one reads {FORMAT}): update Vigil")
    body = data[_HEAD.size :]
    if version < 1 or _digest(body) != digest:
        raise ProfileError(f"the profile is damaged or cut short (its checksum does not fit): {_AGAIN}")
    return body


def _split(body: bytes) -> tuple[bytes, bytes, bytes]:
    if len(body) < _LENGTHS.size:
        raise ProfileError(f"the profile is empty: {_AGAIN}")
    first, second, third = _LENGTHS.unpack_from(body)
    rest = body[_LENGTHS.size :]
    if first + second + third != len(rest):
        raise ProfileError(f"the profile's parts do not add up: {_AGAIN}")
    return rest[:first], rest[first : first + second], rest[first + second :]


def _parts(told: Manifest, arrays: Arrays) -> tuple[Arrays, dict[Regime, Part]]:
    """Sort the arrays of a file by regime: those of the first, and the other regimes."""
    own = {name: values for name, values in arrays.items() if name.partition("/")[0] not in REGIMES}
    others = {
        regime: Part(
            threshold, {name.partition("/")[2]: arrays[name] for name in arrays if name.startswith(f"{regime}/")}
        )
        for regime, threshold in told.others.items()
    }
    return own, others


def _pack(arrays: Arrays) -> bytes:
    """Npz without time stamps, in the order of names: equal arrays give equal bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in sorted(arrays):
            one = io.BytesIO()
            np.lib.format.write_array(one, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), one.getvalue(), zipfile.ZIP_DEFLATED, 1)
    return packed.getvalue()
