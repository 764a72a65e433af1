"""Judges a row's network on a set by what the recipe decides: the two signals of appearance, before any calibration.

Both are made by the product's own parts, `engines.place` and `engines.reconstruction`, and each map's statistic is the
product's. Motion, averages over time, smoothing, calibration and the scoring module are left out: no recipe changes
them, and they cost more than all that is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]  # it ships no stubs

from benchmarks.ablation_features import FrozenFeatures, SharedEngine
from benchmarks.ablation_learn import Made
from benchmarks.ablation_sets import Footage
from engines.contract import Engine, Floats, Pixels
from engines.evaluation.pixels import PixelTally
from engines.evaluation.truth import FrameTruth, Region
from engines.place import Memory, fit_memory, fit_whitening, smooth_scale
from engines.reconstruction import Reconstruction, Residuals, remainders, residuals_of
from engines.scoring import statistic

LATENT: Final = "latent"
RECONSTRUCTION: Final = "reconstruction"
APPEARANCE: Final = "appearance"
COLUMNS: Final = (LATENT, RECONSTRUCTION, APPEARANCE)
"""`appearance` is the two together."""
_BATCH: Final = 8
_HALVES: Final = 2
_SCALE_SHARE: Final = 0.99
_LEAST_FEATURES: Final = np.float32(0.2)
_LEAST_PICTURE: Final = np.float32(0.035)
"""As in `engines.fitting`: smaller differences nobody would see."""

Numbers = dict[str, Any]
Maps = dict[str, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """What a place normally looks like by one network."""

    engine: Engine
    memory: Memory
    latent_scale: Floats
    reconstruction: Reconstruction

    def maps(self, pixels: Pixels) -> Maps:
        """Maps of `COLUMNS`, float32 [N, h, w], 1 where as far from normal as normal frames get."""
        distance, residuals = _look(self.engine, self.memory, pixels)
        latent, reconstruction = distance / self.latent_scale, self.reconstruction.compare(residuals)
        return {LATENT: latent, RECONSTRUCTION: reconstruction, APPEARANCE: together(latent, reconstruction)}


def judge(made: Made, frozen: FrozenFeatures, sets: Mapping[str, Footage]) -> Numbers:
    """Frame and pixel AUROC of each of `COLUMNS` on each set."""
    engine = SharedEngine(made.network, made.encoder, frozen)
    engine.open()
    try:
        return {name: judge_set(engine, one) for name, one in sets.items()}
    finally:
        engine.close()


def judge_set(engine: Engine, one: Footage) -> Numbers:
    """The same on one set."""
    normal = learn_appearance(engine, one.learn)
    parts = [normal.maps(pixels) for pixels in _batches(one.test)]
    scores = {name: np.concatenate([part[name] for part in parts]) for name in COLUMNS}
    return {
        name: {
            "frame": round(float(roc_auc_score(one.abnormal, statistic(maps))), 4),
            "pixel": _pixel_auroc(maps, one),
        }
        for name, maps in scores.items()
    }


def learn_appearance(engine: Engine, pixels: Pixels) -> Appearance:
    """Learn from normal frames, uint8 [n, H, W, 3]. Each half is judged by the other's memory, which gives scales."""
    latents = np.concatenate([engine.encode(part).latent for part in _batches(pixels)]).astype(np.float16)
    everything = np.arange(len(latents))
    whiten = fit_whitening(latents, everything)
    halves = np.array_split(everything, _HALVES)
    looked = [
        _look(engine, fit_memory(latents, halves[1 - number], whiten), pixels[half])
        for number, half in enumerate(halves)
    ]
    means = [_mean(residuals) for _, residuals in looked]
    left = [remainders(looked[n][1], means[1 - n].features[0], means[1 - n].picture[0]) for n in range(_HALVES)]
    mean = _mean(
        Residuals(*(np.concatenate(each) for each in ([m.features for m in means], [m.picture for m in means])))
    )
    return Appearance(
        engine,
        fit_memory(latents, everything, whiten),
        _scale(np.concatenate([distance for distance, _ in looked])),
        Reconstruction(
            mean.features[0],
            mean.picture[0],
            np.hypot(_scale(np.concatenate([features for features, _ in left])), _LEAST_FEATURES),
            np.hypot(_scale(np.concatenate([picture for _, picture in left])), _LEAST_PICTURE),
        ),
    )


def _look(engine: Engine, memory: Memory, pixels: Pixels) -> tuple[Floats, Residuals]:
    """Distances to the memory, and what the decoder gets wrong from what the memory has in the frames' place."""
    distances, features, pictures = [], [], []
    for part in _batches(pixels):
        encoded = engine.encode(part)
        distance, normal = memory.compare(encoded.latent)
        residuals = residuals_of(encoded.features, part, engine.decode(normal))
        distances.append(distance)
        features.append(residuals.features)
        pictures.append(residuals.picture)
    return np.concatenate(distances), Residuals(np.concatenate(features), np.concatenate(pictures))


def _mean(residuals: Residuals) -> Residuals:
    return Residuals(residuals.features.mean(0, keepdims=True), residuals.picture.mean(0, keepdims=True))


def _scale(magnitudes: Floats) -> Floats:
    return smooth_scale(np.quantile(magnitudes, _SCALE_SHARE, axis=0).astype(np.float32))


def together(one: Floats, two: Floats) -> Floats:
    """Two signals as one: the norm of the third power."""
    return np.asarray(np.cbrt(np.power(one, 3) + np.power(two, 3)), np.float32)


def _pixel_auroc(maps: Floats, one: Footage) -> float | None:
    tally = PixelTally(apart=False)
    for scores, mask in zip(maps, one.masks, strict=True):
        if mask is not None:
            regions = (Region(mask, "", None),) if mask.any() else ()
            tally.add(scores, FrameTruth(bool(mask.any()), regions=regions))
    value = tally.auroc()
    return None if value is None else round(value, 4)


def _batches(pixels: Pixels) -> Iterator[Pixels]:
    for start in range(0, len(pixels), _BATCH):
        yield pixels[start : start + _BATCH]
