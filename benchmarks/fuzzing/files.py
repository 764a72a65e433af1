"""Files that Vigil reads back or is given: profiles, truth."""

from __future__ import annotations

import hashlib
import io
import math
import random
import struct
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.fuzzing.mutate import spoil_bytes, spoil_json
from benchmarks.fuzzing.target import Target, Workshop, require
from engines.errors import EngineError, ProfileError
from engines.evaluation.truthfile import TruthError, read_truth_file, truth_of
from engines.network.files import Network
from engines.network.protobuf import Field, decode, encode
from engines.normality import Normality
from engines.profile import Profile
from pipelines.errors import SourceRefused
from pipelines.simulation.scene import KINDS
from pipelines.simulation.sidecar import frame_instances, load_masks, load_truth

_HEAD = struct.Struct("<8sI32s")
_LENGTHS = struct.Struct("<QQQ")
_PLACES = 4
_STEMS = ("first", "second")


def profile_target(workshop: Workshop) -> Target:
    """`Profile.from_bytes`, mostly with a checksum that fits, so that all behind it is reached."""

    def check(data: bytes) -> bool:
        try:
            profile = Profile.from_bytes(data)
        except ProfileError as error:
            require(len(str(error)) < 2_000, "an error of more than 2000 characters")
            return False
        require(math.isfinite(profile.threshold), f"a threshold of {profile.threshold}")
        file = workshop.folder / "again.vigil"
        profile.save(file)
        again = Profile.load(file)
        require(again.id == profile.id and again.threshold == profile.threshold, "a profile does not come back")
        try:
            Normality.from_arrays(profile.arrays)
        except (LookupError, ValueError, TypeError):  # what the detector tells as a profile that is garbled
            return False
        return True

    return Target("profile", [workshop.profile], _spoil_profile, check)


def network_target(workshop: Workshop) -> Target:
    """`Network.from_bytes` with a checksum that fits, and the reader of protocol buffers behind it."""
    magic = 16

    def check(data: bytes) -> bool:
        block = data[:magic] + hashlib.sha256(data[magic:]).digest() + data[magic:]
        try:
            network = Network.from_bytes(block)
        except (EngineError, msgspec.DecodeError):
            return False
        require(Network.from_bytes(network.to_bytes()) == network, "a network does not come back")
        return True

    known = Profile.from_bytes(workshop.profile).network.to_bytes()
    return Target("network", [known[:magic] + known[magic + 32 :]], spoil_bytes, check)


def truth_target(workshop: Workshop) -> Target:
    """`read_truth_file` and the truth of each of its sources."""
    file = workshop.folder / "truth.json"

    def check(data: bytes) -> bool:
        file.write_bytes(data)
        try:
            read = read_truth_file(file)
            for entry in read.sources:
                labels = truth_of(entry, workshop.folder, _STEMS).labels
                _ = labels is None or labels(0)
        except TruthError as error:
            require(file.name in str(error) or "mask" in str(error), "the error does not name the file")
            require(len(str(error)) < 1_000, "an error of more than 1000 characters")
            return False
        again = msgspec.json.decode(msgspec.json.encode(read), type=type(read))
        require(again == read, "a truth does not come back")
        return True

    whole = {
        "schema": "vigil.truth/1",
        "name": "yard",
        "sources": [
            {
                "source": "a.mp4",
                "fps": 5.0,
                "size": [640, 360],
                "judged": [[0, 99]],
                "abnormal": [{"first": 10, "last": 20, "kind": "cart", "id": "c", "boxes": [[10, 1, 2, 30, 40]]}],
            },
            {"source": "stills", "masks": {"folder": "masks", "name": "{stem}.png", "ignored": [85]}},
        ],
    }
    return Target("truth", [msgspec.json.encode(whole)], spoil_json, check)


def sidecar_target(workshop: Workshop) -> Target:
    """`pipelines.simulation.sidecar`: the truth and the masks beside a generated clip."""
    clip = workshop.folder / "clip.mp4"
    truth = {
        "view": 1,
        "seed": 2,
        "fps": 15.0,
        "width": 16,
        "height": 8,
        "frames": 30,
        "planted": [{"kind": KINDS[0], "id": "r1", "first_s": 0.5, "last_s": 1.0}],
        "seen": [[8, "r1", 1, 2, 3, 4, 9], [9, "r1", 1, 2, 3, 4, 9]],
    }
    packed = io.BytesIO()
    np.savez_compressed(packed, frames=np.array([8, 9]), bits=np.zeros((2, 16), np.uint8))

    def check(data: bytes) -> bool:
        written, masks = msgspec.msgpack.decode(data, type=tuple[bytes, bytes])
        Path(f"{clip}.truth.json").write_bytes(written)
        Path(f"{clip}.masks.npz").write_bytes(masks)
        try:
            read = load_truth(clip)
            require(len(read.flagged) == read.frames, "flags of another number than frames")
            found = load_masks(clip, read)
        except SourceRefused:
            return False
        for frame in found:
            frame_instances(read, frame)
        return True

    def mutate(data: bytes, chance: random.Random) -> bytes:
        written, masks = msgspec.msgpack.decode(data, type=tuple[bytes, bytes])
        if chance.random() < 0.5:
            return msgspec.msgpack.encode((spoil_json(written, chance), masks))
        return msgspec.msgpack.encode((written, spoil_bytes(masks, chance)))

    return Target("sidecar", [msgspec.msgpack.encode((msgspec.json.encode(truth), packed.getvalue()))], mutate, check)


def cut_down(profile: Profile) -> bytes:
    """A real profile made small: its networks without their weights, its arrays with the first few places only."""
    network = Network.from_onnx(_without_weights(profile.network.encoder), _without_weights(profile.network.decoder))
    arrays = {name: array[tuple(slice(0, _PLACES) for _ in array.shape[:2])] for name, array in profile.arrays.items()}
    small = Profile(network, profile.still, profile.threshold, {"cut": "down"}, arrays)
    return _sealed(small._body())


def _without_weights(model: bytes) -> bytes:
    return encode(each for each in decode(model) if len(each.data) < 10_000)


def _sealed(body: bytes) -> bytes:
    return _HEAD.pack(b"VIGILPRF", 1, hashlib.sha256(body).digest()) + body


def _spoil_profile(data: bytes, chance: random.Random) -> bytes:
    """The file as it lies, or one of its parts under a checksum that fits."""
    if chance.random() < 0.1:
        return spoil_bytes(data, chance)
    body = data[_HEAD.size :]
    try:
        lengths = _LENGTHS.unpack_from(body)
    except struct.error:
        return spoil_bytes(data, chance)
    rest, parts = body[_LENGTHS.size :], []
    for length in lengths:
        parts.append(rest[:length])
        rest = rest[length:]
    index = chance.choice((0, 1, 1, 2, 3))
    if index == 3:
        return _sealed(spoil_bytes(body, chance))
    parts[index] = (spoil_json, _spoil_arrays, _spoil_network)[index](parts[index], chance)
    return _sealed(_LENGTHS.pack(*map(len, parts)) + b"".join(parts))


def _spoil_arrays(packed: bytes, chance: random.Random) -> bytes:
    """As arrays: of other shapes, types and values, or missing; or as the bytes of the archive."""
    if chance.random() < 0.3:
        return spoil_bytes(packed, chance)
    try:
        with np.load(io.BytesIO(packed)) as archive:
            arrays: dict[str, Any] = {name: archive[name] for name in archive.files}
    except Exception:  # noqa: BLE001 - an input that was spoilt before is spoilt as bytes
        return spoil_bytes(packed, chance)
    name = chance.choice(sorted(arrays) or ["none"])
    array = arrays.pop(name, np.zeros(1))
    changed = chance.choice(
        (
            None,
            array.T,
            array[..., :1],
            array.ravel(),
            array.astype(np.int8),
            array.astype("U4"),
            array[:0],
            array * np.nan,
        )
        if array.dtype.kind in "fiub"
        else (None, array.ravel())
    )
    if changed is not None:
        arrays[name if chance.random() < 0.9 else f"{name}x"] = changed
    told = io.BytesIO()
    np.savez(told, **arrays)
    spoilt = told.getvalue()
    if chance.random() < 0.2:  # a header that promises more than there is
        spoilt = spoilt.replace(b"'shape': (", b"'shape': (99", 1)
    return spoilt


def _spoil_network(block: bytes, chance: random.Random) -> bytes:
    """With a checksum of its own that fits, mostly: field by field, or as bytes."""
    magic = 16
    body = block[magic + 32 :]
    try:
        models = msgspec.msgpack.decode(body, type=list[bytes])
        index = chance.randrange(len(models))
        fields = decode(models[index])
        if chance.random() < 0.5:
            fields = [
                Field(f.number, f.wire, spoil_bytes(f.data, chance)) if chance.random() < 0.2 else f for f in fields
            ]
            models[index] = encode(fields)
        else:
            models[index] = spoil_bytes(models[index], chance)
        body = msgspec.msgpack.encode(models)
    except (msgspec.DecodeError, EngineError, ValueError):
        body = spoil_bytes(body, chance)
    return block[:magic] + hashlib.sha256(body).digest() + body
