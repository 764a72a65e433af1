"""Fits a normality to kept footage, and tells how frames score that the fit has not seen.

The footage is cut into a few blocks of time. Each block is judged by models fitted to the others (cross-fitting, see
`holdout`); these held-out judgements calibrate scores, threshold and uncertainty, and teach the scoring module.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from engines.contract import Floats, Pixels
from engines.departed import departed, of_present
from engines.fusing import learn_fusion
from engines.holdout import FOLDS, HeldOut, average, blocks, fit_averages, hold_out, others, residuals
from engines.lasting import lasting_scale
from engines.material import Indices, Material, Tick, stretches_of, where
from engines.normality import Lasting, Moving, Normality
from engines.ongoing import Piece
from engines.paces import fit_paces
from engines.place import Memory, fit_memory, fit_whitening
from engines.reconstruction import Reconstruction, Residuals, remainders
from engines.rehearsal import rehearse
from engines.scales import blend, choose_share, highest, scale_of
from engines.scoring import VIEWS, View, fit_fusion, fit_tails, smooth, statistic, surprises_by
from engines.steady import steady
from engines.stills import Remember, remember_stills, statistic_of_stills
from engines.sudden import limit_sudden
from engines.traffic import Traffic, blend_traffic, fastest, fit_traffic, usual_pace

_LEAST_FEATURES: Final = np.float32(0.2)
"""Differences below this, with features of variance 1 over the network's corpus, nobody would see."""
_LEAST_PICTURE: Final = np.float32(0.035)
"""Nor these, with pixels in 0..1."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A normality and how the frames it was fitted to score when they are held out."""

    normality: Normality
    chosen: Indices
    statistics: dict[View, Floats]
    """One float32 [len(chosen)] a view, NaN where not measured."""
    folds: Indices
    """[len(chosen)]: the block of each frame."""
    pieces: list[Piece]
    """Which of the chosen are of one stretch; none of stills."""


@dataclass(frozen=True, slots=True)
class _Shares:
    """How much a place's own past says in each scale; the rest is its row's. Of stills, rows mean nothing: None."""

    latent: float | None = None
    features: float | None = None
    picture: float | None = None
    traffic: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class _Judge:
    """All that a frame is measured by, before its measures are calibrated."""

    memory: Memory
    latent_scale: Floats
    reconstruction: Reconstruction
    moving: Moving | None

    def appearance(self, distance: Floats, features: Floats, picture: Floats) -> dict[View, Floats]:
        """Statistics of appearance from raw magnitudes, each [n, h, w]."""
        measure = statistic_of_stills if self.moving is None else statistic
        return {
            "appearance-latent": measure(distance / self.latent_scale),
            "appearance-reconstruction": statistic(self.reconstruction.combine(features, picture)),
        }


def fit(material: Material, chosen: Indices, tick: Tick, seed: int = 0) -> Fit:
    """Fit to the frames `chosen`, in order of time; `seed` is of the anomalies that are rehearsed."""
    whiten = fit_whitening(material.latents, chosen)
    remember = _remember(material, chosen, whiten)
    held = hold_out(material, chosen, whiten, remember, tick)
    shares = _shares(material, chosen, held)
    judges = [_judge_of_fold(material, chosen, held, shares, fold) for fold in range(FOLDS)]
    raw = _statistics(material, chosen, held, judges)
    statistics = _smoothed(material, chosen, raw) if material.moving.any() else raw
    weights, power = _learn(_Stage(material, chosen, judges), held, raw, statistics, seed)
    kept = [np.flatnonzero(held.folds != fold) for fold in range(FOLDS)]
    pieces = _pieces(material, chosen)
    final = _judge_of_all(material, chosen, held, shares, remember, whiten)
    normality = Normality(
        final.memory,
        final.latent_scale,
        final.reconstruction,
        _known(final.moving, statistics),
        fit_fusion(statistics, weights, power, pieces),
        tuple(
            fit_fusion({s: v[some] for s, v in statistics.items()}, weights, power, _pieces(material, chosen[some]))
            for some in kept
        ),
        mirrored=material.features is not None,
    )
    # Rounded as a profile stores it.
    return Fit(Normality.from_arrays(normality.to_arrays()), chosen, statistics, held.folds, pieces)


def _pieces(material: Material, chosen: Indices) -> list[Piece]:
    if not material.moving.any():
        return []
    return [(part, material.times_s[chosen[part]]) for part in stretches_of(material, chosen)]


def _known(moving: Moving | None, statistics: dict[View, Floats]) -> Moving | None:
    """Without what could not be calibrated: where little moves, bodies are known to the whole but to no part of it."""
    return moving if moving is None or "motion-bodies" in statistics else replace(moving, paces=None)


def _remember(material: Material, chosen: Indices, whiten: Floats) -> Remember:
    if material.features is not None:
        return remember_stills(material.features, material.latents, chosen, blocks(len(chosen)))
    return lambda frames: fit_memory(material.latents, frames, whiten)


def _judge_of_fold(material: Material, chosen: Indices, held: HeldOut, shares: _Shares, fold: int) -> _Judge:
    """A judge that has not seen the frames of a fold."""
    outside = held.parts(fold)[1]
    means = [mean for index, mean in enumerate(held.means) if index != fold]
    return _Judge(
        held.memories[fold],
        scale_of(held.distance, outside, shares.latent),
        _reconstruction(held, means, outside, shares),
        _moving(material, held, others(material, chosen, held.folds, fold), outside, held.averages[fold], shares),
    )


def _judge_of_all(
    material: Material, chosen: Indices, held: HeldOut, shares: _Shares, remember: Remember, whiten: Floats
) -> _Judge:
    everything = np.arange(len(chosen))
    settled = where(material.lasting, chosen)
    averages = None if np.isnan(held.lasting).all() else fit_averages(material, settled, whiten)
    return _Judge(
        remember(chosen),
        scale_of(held.distance, everything, shares.latent),
        _reconstruction(held, held.means, everything, shares),
        _moving(material, held, chosen, everything, averages, shares),
    )


def _moving(
    material: Material, held: HeldOut, learnt: Indices, measured: Indices, averages: Memory | None, shares: _Shares
) -> Moving | None:
    """What is normal in time: of the frames `learnt`, and the scale of averages of the chosen ones `measured`."""
    moved = where(material.moving, learnt)
    if not len(moved):
        return None
    settled = measured[~np.isnan(held.lasting[measured, 0, 0])]
    lasting = None
    if averages is not None and len(settled):
        lasting = Lasting(averages, lasting_scale(held.lasting[settled]))
    fields = material.fields[moved]
    return Moving(fit_traffic(fields, shares.traffic), lasting, fit_paces(fields))


def _shares(material: Material, chosen: Indices, held: HeldOut) -> _Shares:
    """How much places' own past may say, of footage; see `scales.choose_share`."""
    if not material.moving.any():
        return _Shares()
    return _Shares(
        latent=_share_of(held.distance, held.folds),
        features=_share_of(held.features, held.folds),
        picture=_share_of(held.picture, held.folds),
        traffic=_share_of_traffic(material, chosen, held.folds),
    )


def _share_of(magnitudes: Floats, folds: Indices) -> float:
    return choose_share(
        folds,
        magnitudes.std(axis=0),
        high=lambda frames: highest(magnitudes, frames),
        blend=blend,
        level=lambda frames, scale: statistic(magnitudes[frames] / scale),
    )


def _share_of_traffic(material: Material, chosen: Indices, folds: Indices) -> float:
    moving = material.moving[chosen]
    fields = material.fields[chosen[moving]]
    return choose_share(
        folds[moving],
        usual_pace(fields),
        high=lambda frames: fastest(fields[frames]),
        blend=blend_traffic,
        level=lambda frames, scale: statistic(Traffic(scale).compare(fields[frames].astype(np.float32))),
    )


def _statistics(material: Material, chosen: Indices, held: HeldOut, judges: list[_Judge]) -> dict[View, Floats]:
    """Each view's statistic of each frame by the judge that has not seen it, NaN where there is nothing to measure."""
    made = {view: np.full(len(chosen), np.nan, np.float32) for view in VIEWS}
    for fold, judge in enumerate(judges):
        inside = held.parts(fold)[0]
        views = judge.appearance(held.distance[inside], held.features[inside], held.picture[inside])
        for view, values in views.items():
            made[view][inside] = values
        if judge.moving is None:
            continue
        moved = inside[material.moving[chosen[inside]]]
        for part in stretches_of(material, chosen[moved]):
            frames = chosen[moved[part]]
            times_s, fields = material.times_s[frames].tolist(), material.fields[frames].astype(np.float32)
            present = departed(times_s, held.distance[moved[part]] / judge.latent_scale)
            for view, strange in judge.moving.compare(fields).items():
                made[view][moved[part]] = statistic(of_present(steady(times_s, strange), present), view)
            if "motion-bodies" in made:
                made["motion-bodies"][moved[part]] = limit_sudden(times_s, made["motion-bodies"][moved[part]])
        if judge.moving.lasting is not None:
            maps = held.lasting[inside] / judge.moving.lasting.scale
            made["appearance-lasting"][inside] = statistic(maps, "appearance-lasting")
    return {view: values for view, values in made.items() if not np.isnan(values).all()}


def _smoothed(material: Material, chosen: Indices, statistics: dict[View, Floats]) -> dict[View, Floats]:
    """Smooth the statistics of each stretch as the detector will."""
    rows = np.stack(list(statistics.values()), axis=1)
    for part in stretches_of(material, chosen):
        rows[part] = smooth(material.times_s[chosen[part]].tolist(), rows[part])
    return dict(zip(statistics, rows.T, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class _Stage:
    """Where anomalies are rehearsed."""

    material: Material
    chosen: Indices
    judges: list[_Judge]

    def pixels(self, frames: Indices) -> Pixels:
        return self.material.pixels(self.chosen[frames])

    def fields(self, frames: Indices) -> Floats | None:
        return self.material.fields[self.chosen[frames]].astype(np.float32) if self.material.moving.any() else None

    def look(self, fold: int, frames: Indices, pixels: Pixels) -> dict[View, Floats]:
        judge, moving = self.judges[fold], self.judges[fold].moving
        encoded, distance, left = residuals(self.material, pixels, judge.memory)
        mean = judge.reconstruction
        views = judge.appearance(distance, *remainders(left, mean.features, mean.picture))
        if moving is not None and moving.lasting is not None:
            at = self.chosen[frames]
            changed = encoded.latent - self.material.latents[at]
            maps = moving.lasting.distance(self.material.averages[at] + changed) / moving.lasting.scale
            stood = statistic(maps, "appearance-lasting")
            views["appearance-lasting"] = np.where(self.material.lasting[at], stood, np.float32(np.nan))
        return views

    def pace(self, fold: int, fields: Floats) -> dict[View, Floats]:
        moving = self.judges[fold].moving
        return {} if moving is None else {view: statistic(m, view) for view, m in moving.compare(fields).items()}


def _learn(
    stage: _Stage, held: HeldOut, raw: dict[View, Floats], smoothed: dict[View, Floats], seed: int
) -> tuple[dict[View, float], float]:
    """Learn the scoring module from unseen normal frames and what is rehearsed on them."""
    tails = fit_tails(smoothed)
    rehearsed = rehearse(stage, held.folds, raw, seed)
    strange = [[surprises_by(tails, kind) for kind in family] for family in rehearsed.values()]
    return learn_fusion(surprises_by(tails, smoothed), strange)


def _reconstruction(held: HeldOut, means: list[Residuals], frames: Indices, shares: _Shares) -> Reconstruction:
    mean = average(means)
    return Reconstruction(
        mean.features[0],
        mean.picture[0],
        np.hypot(scale_of(held.features, frames, shares.features), _LEAST_FEATURES),
        np.hypot(scale_of(held.picture, frames, shares.picture), _LEAST_PICTURE),
    )
