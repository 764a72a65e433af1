"""Memories of stills, which have no time that would tell of them, but time enough to look closer.

Stills are compared by all features that latents are made of: the directions that latents leave out, because they
vary little over the corpus, are those in which small defects show (Rippel et al., ICPR 2020).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.contract import Encoded, Engine, Floats, Pixels
from engines.place import Halves, Memory, fit_memory, fit_shared_memory, fit_whitening
from engines.scoring import strongest

_MOST_STILLS: Final = 120
"""Of so many is taken what is common to all memories."""
_BATCH: Final = 8
_FAR_SHARE: Final = 0.99
_SIGMA: Final = 0.8
"""Places that a still's map is smoothed by before its statistic: grain is single, defects are not."""
_STRONGEST: Final = 0.004
"""Share of places whose mean is a still's statistic."""
_RIDGE: Final = 1e-3

Indices: TypeAlias = NDArray[np.intp]
Remember: TypeAlias = Callable[[Indices], Memory]
"""Makes a memory of frames."""
_FitMemory: TypeAlias = Callable[[Halves, Indices, Floats], Memory]


def remember_stills(features: Halves, latents: Halves, chosen: Indices, folds: Indices) -> Remember:
    """Find how to remember stills, float16 [N, h, w, F] and [N, h, w, C], so that distances can be compared.

    Where parts always lie alike, each place has its own modes; where they do not, all places share them. The way is
    taken that leaves unseen normal pictures nearer where they are farthest: `folds` [len(chosen)] numbers the parts
    that are left out in turn.
    """
    some = np.unique(np.linspace(0, len(chosen) - 1, _MOST_STILLS).round().astype(int))
    whiten = fit_whitening(features, chosen[some])
    ways: tuple[_FitMemory, ...] = (fit_memory, fit_shared_memory)
    way = min(ways, key=lambda one: _farthest(one, features, chosen[some], folds[some], whiten))
    colour = _fit_colour(features, latents, chosen[some], whiten)
    return lambda frames: Memory.of(whiten, way(features, frames, whiten).modes, colour)


def look_twice(engine: Engine, pixels: Pixels, seen: Encoded | None = None) -> Encoded:
    """Encode stills, uint8 [N, H, W, 3], as they are and in a mirror, and give the mean of both.

    How a surface happens to lie on the network's grid, and on which sides its borders are padded, makes noise that is
    not the same in both. `seen` is what the encoder made of them as they are, if that is known.
    """
    plain = engine.encode(pixels) if seen is None else seen
    mirror = engine.encode(np.ascontiguousarray(pixels[:, :, ::-1]))
    half = np.float32(0.5)
    return Encoded(
        (plain.latent + mirror.latent[:, :, ::-1]) * half, (plain.features + mirror.features[:, :, ::-1]) * half
    )


def statistic_of_stills(maps: Floats) -> Floats:
    """Mean of the strongest places of each map [N, h, w], smoothed: float32 [N]. No time smooths stills."""
    return strongest(np.stack([cv2.GaussianBlur(one, (0, 0), _SIGMA) for one in maps]), _STRONGEST)


def _farthest(way: _FitMemory, features: Halves, frames: Indices, folds: Indices, whiten: Floats) -> float:
    """The distance that places of unseen normal pictures rarely exceed."""
    far = np.empty((len(frames), *features.shape[1:3]), np.float32)
    for fold in np.unique(folds):
        memory = way(features, frames[folds != fold], whiten)
        inside = np.flatnonzero(folds == fold)
        for part in (inside[at : at + _BATCH] for at in range(0, len(inside), _BATCH)):
            far[part] = memory.distance(features[frames[part]].astype(np.float32))
    return float(np.quantile(far, _FAR_SHARE))


def _fit_colour(features: Halves, latents: Halves, frames: Indices, whiten: Floats) -> Floats:
    """The linear way from whitened features to latents, float32 [F, C], by least squares."""
    within, across = np.zeros(whiten.shape), np.zeros((len(whiten), latents.shape[-1]))
    for frame in frames:
        white = features[frame].reshape(-1, len(whiten)).astype(np.float32) @ whiten
        within += white.T @ white
        across += white.T @ latents[frame].reshape(-1, latents.shape[-1]).astype(np.float32)
    within += np.eye(len(within)) * _RIDGE * np.trace(within) / len(within)
    return np.linalg.solve(within, across).astype(np.float32)
