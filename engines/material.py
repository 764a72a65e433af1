"""Kept footage, encoded: what a fit works on."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engines.contract import GAP_S, Encoded, Engine, Pixels
from engines.footage import Footage
from engines.lasting import LastingLatent
from engines.stills import look_twice

_BATCH: Final = 8

Indices: TypeAlias = NDArray[np.intp]
Tick: TypeAlias = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Kept footage, encoded."""

    footage: Footage
    engine: Engine
    latents: NDArray[np.float16]
    """float16 [n, h, w, C]."""
    features: NDArray[np.float16] | None
    """float16 [n, h, w, F] of stills, in a temporary file; None of footage."""
    averages: NDArray[np.float16]
    """float16 [n, h, w, C], see `lasting.LastingLatent`."""
    lasting: NDArray[np.bool_]
    """bool [n]: whether there is an average."""
    fields: NDArray[np.float16]
    """float16 [n, CELLS, CELLS, 2]."""
    moving: NDArray[np.bool_]
    """bool [n]: whether motion was measured."""
    stretches: Indices
    """[n]: which frames belong together, without a gap."""
    times_s: NDArray[np.float64]

    def pixels(self, chosen: Indices) -> Pixels:
        """Pixels of frames, uint8 [len(chosen), H, W, 3]."""
        return np.stack([self.footage.pixels(int(index)) for index in chosen])

    def look(self, pixels: Pixels) -> Encoded:
        """Encode frames, uint8 [n, H, W, 3], as those kept were."""
        return self.engine.encode(pixels) if self.features is None else look_twice(self.engine, pixels)


def encode(footage: Footage, engine: Engine, tick: Tick) -> Material:
    """Encode all kept frames."""
    kept, spec = footage.kept, engine.spec
    times_s = np.array([frame.time_s for frame in kept])
    stretches = _stretches(times_s, np.array([frame.stretch for frame in kept]))
    latents = np.empty((len(kept), *spec.places, spec.latent_channels), np.float16)
    averages, lasting = np.zeros_like(latents), np.zeros(len(kept), np.bool_)
    fields, moving = footage.motion()
    features = None if moving.any() else _on_disk((len(kept), *spec.places, spec.feature_channels))
    material = Material(footage, engine, latents, features, averages, lasting, fields, moving, stretches, times_s)
    running = LastingLatent()
    for index in range(len(kept)):
        encoded = material.look(footage.pixels(index)[None])
        latent = encoded.latent[0]
        if material.features is not None:
            material.features[index] = encoded.features[0]
        if index and stretches[index] != stretches[index - 1]:
            running.forget()
        mean = running.step(times_s[index], latent)
        latents[index], lasting[index] = latent, mean is not None
        averages[index] = 0 if mean is None else mean
        tick("encoding", index + 1, len(kept))
    return material


def _on_disk(shape: tuple[int, ...]) -> NDArray[np.float16]:
    """An array that need not fit into memory; its file goes with it."""
    with tempfile.TemporaryFile(prefix="vigil-enrol-") as file:
        return np.memmap(file, np.float16, "w+", shape=shape)


def _stretches(times_s: NDArray[np.float64], given: Indices) -> Indices:
    """Number the runs of frames without a gap."""
    steps = np.diff(times_s, prepend=times_s[0])
    broken = (np.diff(given, prepend=given[0]) != 0) | (steps < 0) | (steps > GAP_S)
    return np.cumsum(broken)


def stretches_of(material: Material, chosen: Indices) -> Iterator[Indices]:
    """Which of the chosen frames belong together."""
    for stretch in np.unique(material.stretches[chosen]):
        yield np.flatnonzero(material.stretches[chosen] == stretch)


def where(mask: NDArray[np.bool_], frames: Indices) -> Indices:
    """Those of the frames that the mask, bool [n], has."""
    return frames[mask[frames]]


def batches(indices: Indices) -> Iterator[Indices]:
    """Cut into pieces that are encoded together."""
    for at in range(0, len(indices), _BATCH):
        yield indices[at : at + _BATCH]
