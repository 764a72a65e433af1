"""What a camera sends: H.264 with damage anywhere, through the daemon's own decoder and scaler."""

from __future__ import annotations

import random

import numpy as np

from benchmarks.fuzzing.mutate import spoil_bytes
from benchmarks.fuzzing.target import Target, Workshop, require
from pipelines.errors import SourceError
from pipelines.simulation.encode import Encoder
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.sources.spec import SourceSpec

_SIZE = (64, 48)
_INPUT = (32, 32)
_START = b"\x00\x00\x00\x01"


def video_target(workshop: Workshop) -> Target:
    """`VideoSource` on a bare H.264 stream, the way packets come out of RTP."""
    file = workshop.folder / "stream.h264"

    def check(data: bytes) -> bool:
        file.write_bytes(data)
        try:
            source = open_source(SourceSpec("video", str(file)), SourceSettings(), _INPUT)
        except SourceError:
            return False
        try:
            while (sample := source.read()) is not None:
                require(sample.pixels.shape == (*_INPUT, 3), f"a sample of {sample.pixels.shape}")
                require(sample.picture().ndim == 3, "a picture that is none")
        except SourceError:
            return False
        finally:
            source.close()
        return True

    return Target("video", [_stream(workshop)], mutate, check, most_s=5.0)


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Whole units lost, doubled or moved, or bits flipped in them: in the parameter sets as often as in pictures."""
    units = data.split(_START)[1:]
    index = chance.randrange(len(units)) if units else 0
    match chance.randrange(6):
        case 0 if units:
            del units[index]
        case 1 if units:
            units.insert(chance.randint(0, len(units)), units[index])
        case 2 if units:
            units[chance.randrange(min(2, len(units)))] = spoil_bytes(
                units[chance.randrange(min(2, len(units)))], chance
            )
        case 3 | 4 if units:
            units[index] = spoil_bytes(units[index], chance)
        case _:
            return spoil_bytes(data, chance)
    return b"".join(_START + unit for unit in units)


def _stream(workshop: Workshop) -> bytes:
    path = workshop.folder / "seed.h264"
    encoder = Encoder(path, _SIZE, 10, key_interval_s=0.5)
    picture = np.random.default_rng(1).integers(0, 255, (_SIZE[1], _SIZE[0], 3), np.uint8)
    for shift in range(10):
        encoder.add(np.roll(picture, shift, axis=1))
    encoder.close()
    return path.read_bytes()
