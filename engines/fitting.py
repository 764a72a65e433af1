"""Fits a normality to kept footage, and tells how frames score that the fit has not seen.

The footage is cut into a few blocks of time. Each block is judged by models fitted to the others (cross-fitting),
less a guard of some seconds at its borders; these held-out judgements calibrate scores, threshold and uncertainty.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engines.contract import GAP_S, Engine, Floats, Pixels
from engines.footage import Footage
from engines.lasting import LASTING_MODES, LastingLatent, lasting_scale, stand
from engines.normality import Lasting, Moving, Normality
from engines.place import Memory, fit_memory, fit_whitening, smooth_scale
from engines.reconstruction import Reconstruction, Residuals, remainders, residuals_of
from engines.scoring import VIEWS, View, fit_fusion, smooth, statistic
from engines.stills import Remember, remember_stills, statistic_of_stills
from engines.traffic import fit_traffic

FOLDS: Final = 4
_GUARD_S: Final = 2.0
_SCALE_SHARE: Final = 0.99
_BATCH: Final = 8
_LEAST_FEATURES: Final = np.float32(0.2)
"""Differences below this, with features of variance 1 over the network's corpus, nobody would see."""
_LEAST_PICTURE: Final = np.float32(0.035)
"""Nor these, with pixels in 0..1."""
_LEAST_LASTING_S: Final = 30.0
"""Averages of less footage than this say nothing of what usually stays."""
_GUARD_LASTING_S: Final = 6.0
"""Averages this far apart have no frame in common that counts."""
_MOST_AVERAGES: Final = 300
_MOST_FOR_MEANS: Final = 64
"""Frames a fold that mean residuals are taken from."""

Indices = NDArray[np.intp]
Tick = Callable[[str, int, int], None]


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


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A normality and how the frames it was fitted to score when they are held out."""

    normality: Normality
    chosen: Indices
    statistics: dict[View, Floats]
    """One float32 [len(chosen)] a view, NaN where not measured."""
    folds: Indices
    """[len(chosen)]: the block of each frame."""


@dataclass(frozen=True, slots=True, eq=False)
class _HeldOut:
    """Raw magnitudes of held-out frames, each float32 [len(chosen), h, w], and the fold's mean residuals."""

    distance: Floats
    lasting: Floats
    """What `lasting.stand` makes of the averages' distances, NaN where the history is too short."""
    features: Floats
    picture: Floats
    means: list[Residuals]


def encode(footage: Footage, engine: Engine, tick: Tick) -> Material:
    """Encode all kept frames."""
    kept, spec = footage.kept, engine.spec
    times_s = np.array([frame.time_s for frame in kept])
    stretches = _stretches(times_s, np.array([frame.stretch for frame in kept]))
    latents = np.empty((len(kept), *spec.places, spec.latent_channels), np.float16)
    averages, lasting = np.zeros_like(latents), np.zeros(len(kept), np.bool_)
    fields, moving = footage.motion()
    features = None if moving.any() else _on_disk((len(kept), *spec.places, spec.feature_channels))
    running = LastingLatent()
    for index in range(len(kept)):
        encoded = engine.encode(footage.pixels(index)[None])
        latent = encoded.latent[0]
        if features is not None:
            features[index] = encoded.features[0]
        if index and stretches[index] != stretches[index - 1]:
            running.forget()
        mean = running.step(times_s[index], latent)
        latents[index], lasting[index] = latent, mean is not None
        averages[index] = 0 if mean is None else mean
        tick("encoding", index + 1, len(kept))
    return Material(footage, engine, latents, features, averages, lasting, fields, moving, stretches, times_s)


def _on_disk(shape: tuple[int, ...]) -> NDArray[np.float16]:
    """An array that need not fit into memory; its file goes with it."""
    with tempfile.TemporaryFile(prefix="vigil-enrol-") as file:
        return np.memmap(file, np.float16, "w+", shape=shape)


def _stretches(times_s: NDArray[np.float64], given: Indices) -> Indices:
    """Number the runs of frames without a gap."""
    steps = np.diff(times_s, prepend=times_s[0])
    broken = (np.diff(given, prepend=given[0]) != 0) | (steps < 0) | (steps > GAP_S)
    return np.cumsum(broken)


def fit(material: Material, chosen: Indices, tick: Tick) -> Fit:
    """Fit to the frames `chosen`, in order of time."""
    folds = np.arange(len(chosen)) * FOLDS // len(chosen)
    whiten = fit_whitening(material.latents, chosen)
    remember = _remember(material, chosen, folds, whiten)
    held = _hold_out(material, chosen, folds, whiten, remember, tick)
    statistics = _statistics(material, chosen, folds, held)
    fusion = fit_fusion(statistics)
    ensemble = tuple(fit_fusion({s: v[folds != fold] for s, v in statistics.items()}) for fold in range(FOLDS))
    everything = np.arange(len(chosen))
    normality = Normality(
        memory=remember(chosen),
        latent_scale=_scale(held.distance, everything),
        reconstruction=_reconstruction(held, held.means, everything),
        moving=_fit_moving(material, chosen, held, whiten),
        fusion=fusion,
        ensemble=ensemble,
    )
    # Rounded as a profile stores it.
    return Fit(Normality.from_arrays(normality.to_arrays()), chosen, statistics, folds)


def _fit_moving(material: Material, chosen: Indices, held: _HeldOut, whiten: Floats) -> Moving | None:
    if not material.moving.any():
        return None
    traffic = fit_traffic(material.fields[_where(material.moving, chosen)])
    if np.isnan(held.lasting).all():
        return Moving(traffic, None)
    memory = fit_memory(material.averages, _thinned(_where(material.lasting, chosen)), whiten, LASTING_MODES)
    return Moving(traffic, Lasting(memory, _lasting_scale(held, np.arange(len(chosen)))))


def _remember(material: Material, chosen: Indices, folds: Indices, whiten: Floats) -> Remember:
    if material.features is not None:
        return remember_stills(material.features, material.latents, chosen, folds)
    return lambda frames: fit_memory(material.latents, frames, whiten)


def _hold_out(
    material: Material, chosen: Indices, folds: Indices, whiten: Floats, remember: Remember, tick: Tick
) -> _HeldOut:
    memories = []
    for fold in range(FOLDS):
        memories.append(remember(_others(material, chosen, folds, fold)))
        tick("remembering", fold + 1, FOLDS)
    means = [_mean_residuals(material, chosen[folds == fold], memories[fold]) for fold in range(FOLDS)]
    shape = (len(chosen), *material.latents.shape[1:3])
    distance, lasting, features, picture = (np.full(shape, np.nan, np.float32) for _ in range(4))
    held = _HeldOut(distance, lasting, features, picture, means)
    _hold_out_lasting(material, chosen, folds, whiten, held.lasting)
    done = 0
    for fold in range(FOLDS):
        mean = _average([each for index, each in enumerate(means) if index != fold])
        for part in _batches(np.flatnonzero(folds == fold)):
            held.distance[part], residuals = _residuals(material, chosen[part], memories[fold])
            held.features[part], held.picture[part] = remainders(residuals, mean.features[0], mean.picture[0])
            done += len(part)
            tick("judging unseen frames", done, len(chosen))
    return held


def _hold_out_lasting(material: Material, chosen: Indices, folds: Indices, whiten: Floats, out: Floats) -> None:
    """Distances of averaged latents to memories of the other folds, into `out` [len(chosen), h, w].

    They stay NaN when there are too few to tell usual ones.
    """
    for fold in range(FOLDS):
        learnt = _where(material.lasting, _others(material, chosen, folds, fold, _GUARD_LASTING_S))
        inside = np.flatnonzero((folds == fold) & material.lasting[chosen])
        if len(learnt) < LASTING_MODES:
            continue
        memory = fit_memory(material.averages, _thinned(learnt), whiten, LASTING_MODES)
        for part in _batches(inside):
            out[part] = memory.compare(material.averages[chosen[part]].astype(np.float32))[0]
    for part in _stretches_of(material, chosen):
        out[part] = stand(material.times_s[chosen[part]].tolist(), out[part])
    steps = np.diff(material.times_s[chosen[~np.isnan(out[:, 0, 0])]])
    if steps[(steps > 0) & (steps <= GAP_S)].sum() < _LEAST_LASTING_S:
        out[...] = np.nan


def _stretches_of(material: Material, chosen: Indices) -> Iterator[Indices]:
    """Which of the chosen frames belong together."""
    for stretch in np.unique(material.stretches[chosen]):
        yield np.flatnonzero(material.stretches[chosen] == stretch)


def _where(mask: NDArray[np.bool_], frames: Indices) -> Indices:
    return frames[mask[frames]]


def _thinned(frames: Indices) -> Indices:
    """At most some hundreds of frames: averages over seconds hardly differ from one frame to the next."""
    return frames[:: max(1, len(frames) // _MOST_AVERAGES)]


def _others(material: Material, chosen: Indices, folds: Indices, fold: int, guard_s: float = _GUARD_S) -> Indices:
    """The frames outside a fold, less those within the guard of its ends."""
    inside = chosen[folds == fold]
    others = chosen[folds != fold]
    near = np.zeros(len(others), np.bool_)
    for border in (inside[0], inside[-1]):
        same = material.stretches[others] == material.stretches[border]
        near |= same & (np.abs(material.times_s[others] - material.times_s[border]) < guard_s)
    return np.asarray(others[~near] if (~near).sum() >= len(others) // 2 else others)


def _mean_residuals(material: Material, chosen: Indices, memory: Memory) -> Residuals:
    some = chosen[np.unique(np.linspace(0, len(chosen) - 1, _MOST_FOR_MEANS).round().astype(int))]
    features = np.zeros((1, *material.latents.shape[1:3], material.engine.spec.feature_channels), np.float32)
    picture = np.zeros((1, *material.engine.spec.picture_size, 3), np.float32)
    for part in _batches(some):
        _, residuals = _residuals(material, part, memory)
        features += residuals.features.sum(0)
        picture += residuals.picture.sum(0)
    share = np.float32(1 / len(some))
    return Residuals(np.asarray(features * share, np.float32), np.asarray(picture * share, np.float32))


def _residuals(material: Material, frames: Indices, memory: Memory) -> tuple[Floats, Residuals]:
    pixels = material.pixels(frames)
    encoded = material.engine.encode(pixels)
    distance, normal = memory.compare(memory.seen(encoded))
    return distance, residuals_of(encoded.features, pixels, material.engine.decode(normal))


def _statistics(material: Material, chosen: Indices, folds: Indices, held: _HeldOut) -> dict[View, Floats]:
    """Each view's statistic of each frame, against scales from the other folds, smoothed where frames have a time."""
    made = {view: np.full(len(chosen), np.nan, np.float32) for view in VIEWS}
    measure_of = statistic if material.moving.any() else statistic_of_stills
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        made["appearance-latent"][inside] = measure_of(held.distance[inside] / _scale(held.distance, outside))
        measure = _reconstruction(held, [m for i, m in enumerate(held.means) if i != fold], outside)
        magnitudes = measure.combine(held.features[inside], held.picture[inside])
        made["appearance-reconstruction"][inside] = statistic(magnitudes)
        if not np.isnan(held.lasting).all():
            maps = held.lasting[inside] / _lasting_scale(held, outside)
            made["appearance-lasting"][inside] = statistic(maps, "appearance-lasting")
        if material.moving.any():
            _motion_statistic(material, chosen, inside, _others(material, chosen, folds, fold), made["motion"])
    measured = {view: values for view, values in made.items() if not np.isnan(values).all()}
    return _smoothed(material, chosen, measured) if material.moving.any() else measured


def _smoothed(material: Material, chosen: Indices, statistics: dict[View, Floats]) -> dict[View, Floats]:
    """Smooth the statistics of each stretch as the detector will."""
    rows = np.stack(list(statistics.values()), axis=1)
    for part in _stretches_of(material, chosen):
        rows[part] = smooth(material.times_s[chosen[part]].tolist(), rows[part])
    return dict(zip(statistics, rows.T, strict=True))


def _motion_statistic(material: Material, chosen: Indices, inside: Indices, others: Indices, out: Floats) -> None:
    moved, learnt = inside[material.moving[chosen[inside]]], _where(material.moving, others)
    if len(moved) and len(learnt):
        traffic = fit_traffic(material.fields[learnt])
        out[moved] = statistic(traffic.compare(material.fields[chosen[moved]].astype(np.float32)))


def _lasting_scale(held: _HeldOut, frames: Indices) -> Floats:
    measured = frames[~np.isnan(held.lasting[frames, 0, 0])]
    if len(measured) == 0:
        return np.full(held.lasting.shape[1:], np.inf, np.float32)
    return lasting_scale(held.lasting[measured])


def _reconstruction(held: _HeldOut, means: list[Residuals], frames: Indices) -> Reconstruction:
    mean = _average(means)
    return Reconstruction(
        mean.features[0],
        mean.picture[0],
        np.hypot(_scale(held.features, frames), _LEAST_FEATURES),
        np.hypot(_scale(held.picture, frames), _LEAST_PICTURE),
    )


def _scale(magnitudes: Floats, frames: Indices) -> Floats:
    return smooth_scale(np.quantile(magnitudes[frames], _SCALE_SHARE, axis=0).astype(np.float32))


def _average(means: list[Residuals]) -> Residuals:
    count = np.float32(len(means))
    return Residuals(
        np.asarray(sum(mean.features for mean in means) / count, np.float32),
        np.asarray(sum(mean.picture for mean in means) / count, np.float32),
    )


def _batches(indices: Indices) -> Iterator[Indices]:
    for at in range(0, len(indices), _BATCH):
        yield indices[at : at + _BATCH]
