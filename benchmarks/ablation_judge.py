"""Judges a row's network on a set: enrols and scores it through the product's own classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]  # it ships no stubs

from benchmarks.ablation_features import FrozenFeatures, SharedEngine
from benchmarks.ablation_learn import Made
from benchmarks.ablation_sets import Footage
from engines.contract import Batch, Engine, Floats, Signal
from engines.detector import Detector
from engines.enrolment import Enrolment, EnrolmentSettings
from engines.evaluation.pixels import PixelTally
from engines.evaluation.truth import FrameTruth, Region
from engines.network.files import Network

LATENT: Final = "appearance-latent"
RECONSTRUCTION: Final = "appearance-reconstruction"
APPEARANCE: Final = "appearance"
FUSED: Final = "fused"
COLUMNS: Final = (LATENT, RECONSTRUCTION, APPEARANCE, FUSED)
"""`appearance` is both appearance signals without motion, which no recipe changes."""
_BATCH: Final = 16

Numbers = dict[str, Any]


def judge(made: Made, frozen: FrozenFeatures, sets: Mapping[str, Footage]) -> Numbers:
    """Frame and pixel AUROC of each of `COLUMNS` on each set."""
    engine = SharedEngine(made.network, made.encoder, frozen)
    engine.open()
    try:
        return {name: _judge_set(engine, made.network, one) for name, one in sets.items()}
    finally:
        engine.close()


def _judge_set(engine: Engine, network: Network, one: Footage) -> Numbers:
    enrolment = Enrolment(engine, network, EnrolmentSettings(false_alarms_per_day=24))
    enrolment.stretch("normal", still=one.still)
    enrolment.add(one.learn_s, one.learn)
    scores = _score(Detector(engine, {"a": enrolment.finish().profile}), one)
    return {
        name: {"frame": round(float(roc_auc_score(one.abnormal, frames)), 4), "pixel": _pixel_auroc(maps, one)}
        for name, (frames, maps) in scores.items()
    }


def _score(detector: Detector, one: Footage) -> dict[str, tuple[Floats, Floats]]:
    """Scores of frames, float32 [m], and maps, float32 [m, h, w], by column."""
    frames: dict[str, list[Floats]] = {name: [] for name in COLUMNS}
    maps: dict[str, list[Floats]] = {name: [] for name in COLUMNS}
    for start in range(0, len(one.test), _BATCH):
        part = slice(start, start + _BATCH)
        times = tuple(one.test_s[part])
        scores = detector.score(Batch(("a",) * len(times), times, one.test[part]))
        signals: tuple[Signal, ...] = (LATENT, RECONSTRUCTION)
        for name in signals:
            frames[name].append(scores.signals[name])
            maps[name].append(scores.signal_maps[name])
        for whole in (frames, maps):
            whole[APPEARANCE].append(together(whole[LATENT][-1], whole[RECONSTRUCTION][-1]))
        frames[FUSED].append(scores.score)
        maps[FUSED].append(scores.map)
    return {name: (np.concatenate(frames[name]), np.concatenate(maps[name])) for name in COLUMNS}


def together(one: Floats, two: Floats) -> Floats:
    """Two surprises as one, as the product's fusion does with equal weights: the norm of the third power."""
    return np.asarray(np.cbrt(np.power(one, 3) + np.power(two, 3)), np.float32)


def _pixel_auroc(maps: Floats, one: Footage) -> float | None:
    tally = PixelTally(apart=False)
    for scores, mask in zip(maps, one.masks, strict=True):
        if mask is not None:
            regions = (Region(mask, "", None),) if mask.any() else ()
            tally.add(scores, FrameTruth(bool(mask.any()), regions=regions))
    value = tally.auroc()
    return None if value is None else round(value, 4)
