"""Judges every frame by models fitted to the other blocks of time, less a guard of some seconds at its borders."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from engines.contract import GAP_S, Encoded, Floats, Pixels
from engines.lasting import LASTING_MODES, stand
from engines.material import Indices, Material, Tick, batches, stretches_of, where
from engines.place import Memory, fit_memory
from engines.reconstruction import Residuals, remainders, residuals_of
from engines.stills import Remember

FOLDS: Final = 4
_GUARD_S: Final = 2.0
_LEAST_LASTING_S: Final = 30.0
"""Averages of less footage than this say nothing of what usually stays."""
_GUARD_LASTING_S: Final = 6.0
"""Averages this far apart have no frame in common that counts."""
_ALTERED: Final = 4
"""Frames a fold that are judged under alterations too."""
_MOST_AVERAGES: Final = 300
_MOST_FOR_MEANS: Final = 64
"""Frames a fold that mean residuals are taken from."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Raw magnitudes of held-out frames, each float32 [len(chosen), h, w], and what they were judged by."""

    folds: Indices
    """[len(chosen)]: the block of each frame."""
    distance: Floats
    lasting: Floats
    """What `lasting.stand` makes of the averages' distances, NaN where the history is too short."""
    features: Floats
    picture: Floats
    memories: list[Memory]
    """One a fold, fitted to the others."""
    means: list[Residuals]
    """Mean residuals of each fold's own frames."""
    averages: list[Memory | None] = field(default_factory=list)
    """One a fold, fitted to the others; None where there are too few."""

    def parts(self, fold: int) -> tuple[Indices, Indices]:
        """Which of the frames are in a fold, and which are not."""
        return np.flatnonzero(self.folds == fold), np.flatnonzero(self.folds != fold)


def blocks(count: int) -> Indices:
    """The block of each of so many frames: numbers from 0 to FOLDS - 1."""
    return np.arange(count) * FOLDS // count


def hold_out(material: Material, chosen: Indices, whiten: Floats, remember: Remember, tick: Tick) -> HeldOut:
    """Cut the frames `chosen`, in order of time, into blocks and judge each by the others."""
    folds = blocks(len(chosen))
    memories = []
    for fold in range(FOLDS):
        memories.append(remember(others(material, chosen, folds, fold)))
        tick("remembering", fold + 1, FOLDS)
    means = [_mean_residuals(material, chosen[folds == fold], memories[fold]) for fold in range(FOLDS)]
    shape = (len(chosen), *material.latents.shape[1:3])
    distance, lasting, features, picture = (np.full(shape, np.nan, np.float32) for _ in range(4))
    held = HeldOut(folds, distance, lasting, features, picture, memories, means)
    _hold_out_lasting(material, chosen, whiten, held)
    done = 0
    for fold in range(FOLDS):
        mean = average([each for index, each in enumerate(means) if index != fold])
        least = _altered(material, chosen[held.parts(fold)[0]], memories[fold], mean)
        for part in batches(held.parts(fold)[0]):
            _, held.distance[part], left = residuals(material, material.pixels(chosen[part]), memories[fold])
            held.features[part], held.picture[part] = remainders(left, mean.features[0], mean.picture[0])
            for values, floor in zip((held.distance, held.features, held.picture), least, strict=True):
                values[part] = np.maximum(values[part], floor)
            done += len(part)
            tick("judging unseen frames", done, len(chosen))
    return held


def _altered(material: Material, frames: Indices, memory: Memory, mean: Residuals) -> list[Floats]:
    """How far from normal each place gets under the worst of mild alterations: three float32 [h, w].

    Of stills, whose light and focus are set up once, nothing is asked.
    """
    if not material.moving.any():
        return [np.zeros((), np.float32)] * 3
    some = frames[np.unique(np.linspace(0, len(frames) - 1, _ALTERED).round().astype(int))]
    seen = []
    for number, index in enumerate(some):
        _, distance, left = residuals(material, material.footage.altered(int(index), number), memory)
        seen.append((distance, *remainders(left, mean.features[0], mean.picture[0])))
    return [np.median(np.stack(each), axis=0).max(axis=0).astype(np.float32) for each in zip(*seen, strict=True)]


def _hold_out_lasting(material: Material, chosen: Indices, whiten: Floats, held: HeldOut) -> None:
    """Judge averaged latents by memories of the other folds; all stays NaN when they are too few to tell usual ones."""
    out = held.lasting
    for fold in range(FOLDS):
        learnt = where(material.lasting, others(material, chosen, held.folds, fold, _GUARD_LASTING_S))
        inside = np.flatnonzero((held.folds == fold) & material.lasting[chosen])
        memory = fit_averages(material, learnt, whiten) if len(learnt) >= LASTING_MODES else None
        held.averages.append(memory)
        if memory is None:
            continue
        for part in batches(inside):
            out[part] = memory.distance(material.averages[chosen[part]].astype(np.float32))
    for part in stretches_of(material, chosen):
        out[part] = stand(material.times_s[chosen[part]].tolist(), out[part])
    steps = np.diff(material.times_s[chosen[~np.isnan(out[:, 0, 0])]])
    if steps[(steps > 0) & (steps <= GAP_S)].sum() < _LEAST_LASTING_S:
        out[...] = np.nan


def fit_averages(material: Material, frames: Indices, whiten: Floats) -> Memory:
    """Remember averages. Some hundreds are enough: they hardly differ from one frame to the next."""
    thinned = frames[:: max(1, len(frames) // _MOST_AVERAGES)]
    return fit_memory(material.averages, thinned, whiten, LASTING_MODES)


def others(material: Material, chosen: Indices, folds: Indices, fold: int, guard_s: float = _GUARD_S) -> Indices:
    """The frames outside a fold, less those within the guard of its ends."""
    inside = chosen[folds == fold]
    outside = chosen[folds != fold]
    near = np.zeros(len(outside), np.bool_)
    for border in (inside[0], inside[-1]):
        same = material.stretches[outside] == material.stretches[border]
        near |= same & (np.abs(material.times_s[outside] - material.times_s[border]) < guard_s)
    return np.asarray(outside[~near] if (~near).sum() >= len(outside) // 2 else outside)


def _mean_residuals(material: Material, chosen: Indices, memory: Memory) -> Residuals:
    some = chosen[np.unique(np.linspace(0, len(chosen) - 1, _MOST_FOR_MEANS).round().astype(int))]
    features = np.zeros((1, *material.latents.shape[1:3], material.engine.spec.feature_channels), np.float32)
    picture = np.zeros((1, *material.engine.spec.picture_size, 3), np.float32)
    for part in batches(some):
        _, _, left = residuals(material, material.pixels(part), memory)
        features += left.features.sum(0)
        picture += left.picture.sum(0)
    share = np.float32(1 / len(some))
    return Residuals(np.asarray(features * share, np.float32), np.asarray(picture * share, np.float32))


def residuals(material: Material, pixels: Pixels, memory: Memory) -> tuple[Encoded, Floats, Residuals]:
    """Encode frames, uint8 [n, H, W, 3]; their distances to a memory; what regenerating them from it leaves."""
    encoded = material.look(pixels)
    distance, normal = memory.compare(memory.seen(encoded))
    hidden, sizes = material.footage.hidden, material.engine.spec.picture_size
    seen = None if hidden is None else hidden.seen(*sizes)
    decoded = material.engine.decode(normal)
    return encoded, distance, residuals_of(encoded.features, pixels, decoded, [seen] * len(pixels))


def average(means: list[Residuals]) -> Residuals:
    """The mean of means."""
    count = np.float32(len(means))
    return Residuals(
        np.asarray(sum(mean.features for mean in means) / count, np.float32),
        np.asarray(sum(mean.picture for mean in means) / count, np.float32),
    )
