"""Rehearses anomalies on normal frames that were held out: what would each view have said?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engines.contract import Floats, Pixels
from engines.scoring import View, Views
from engines.spoiling import KINDS, TURNS, move, spoil, turn

_FRAMES_A_FOLD: Final = 20
_BATCH: Final = 8

Indices: TypeAlias = NDArray[np.intp]
Family: TypeAlias = Literal["appearance", "left", "intruder", "motion"]
"""What looks wrong; what does and stays; what does and moves; what looks right and moves wrongly."""


class Stage(Protocol):
    """Judges frames by models that were fitted without their block of time. Frames are numbers among those learnt."""

    def pixels(self, frames: Indices) -> Pixels:
        """uint8 [n, H, W, 3]."""

    def fields(self, frames: Indices) -> Floats | None:
        """Displacements, float32 [n, CELLS, CELLS, 2]; None where there are none."""

    def look(self, fold: int, frames: Indices, pixels: Pixels) -> dict[View, Floats]:
        """Statistics [n] of the appearance views, had the frames looked like this; lasting, had they for long."""

    def pace(self, fold: int, fields: Floats) -> dict[View, Floats]:
        """Statistics [n] of the motion views, had there been this motion."""


@dataclass(slots=True)
class _Rows:
    """Statistics of one kind of anomaly, gathered piece by piece."""

    parts: dict[View, list[Floats]] = field(default_factory=dict)

    def add(self, usual: Views, changed: Views) -> None:
        """What the anomaly changes counts as changed, all else as it was."""
        for view, values in usual.items():
            self.parts.setdefault(view, []).append(changed.get(view, values))

    def joined(self) -> dict[View, Floats]:
        return {view: np.concatenate(values) for view, values in self.parts.items()}


def rehearse(stage: Stage, folds: Indices, statistics: Views, seed: int) -> dict[Family, list[dict[View, Floats]]]:
    """Rehearse each kind of anomaly on some frames of each fold.

    `folds` and `statistics` are of the frames learnt: their block of time, and what each view said of them unspoilt.
    Returns the statistics of each kind, one float32 [m] a view, for `fusing.learn_fusion`.
    """
    rng = np.random.default_rng(seed)
    rows: dict[tuple[Family, str], _Rows] = {}
    for fold, frames in _some(folds):
        usual = {view: values[frames] for view, values in statistics.items()}
        for family, kind, at, changed in _changes(stage, fold, frames, usual, rng):
            row = rows.setdefault((family, kind), _Rows())
            row.add({view: values[at] for view, values in usual.items()}, changed)
    made: dict[Family, list[dict[View, Floats]]] = {}
    for (family, _), row in rows.items():
        made.setdefault(family, []).append(row.joined())
    return made


def _changes(
    stage: Stage, fold: int, frames: Indices, usual: Views, rng: np.random.Generator
) -> Iterator[tuple[Family, str, Indices, dict[View, Floats]]]:
    """Family, kind, which of the frames, and what the views it changes say of these."""
    pixels, fields, every = stage.pixels(frames), stage.fields(frames), np.arange(len(frames))
    for kind in KINDS:
        spoilt = [spoil(kind, pixels[at], pixels[other], rng) for at, other in enumerate(rng.permutation(len(frames)))]
        looks = stage.look(fold, frames, np.stack([one for one, _ in spoilt]))
        lasting = looks.pop("appearance-lasting", None)
        yield "appearance", kind, every, looks
        if kind != "patch":
            continue
        if lasting is not None and "appearance-lasting" in usual:
            yield "left", kind, every, {**looks, "appearance-lasting": lasting}
        if fields is not None:
            moved = np.stack([move(mask, field, rng) for (_, mask), field in zip(spoilt, fields, strict=True)])
            yield "intruder", kind, every, {**looks, **stage.pace(fold, moved)}
    if fields is None:
        return
    for turned in TURNS:
        changed = {at: after for at in every if (after := turn(turned, fields[at], rng)) is not None}
        if changed:
            yield "motion", turned, np.array(list(changed)), stage.pace(fold, np.stack([*changed.values()]))


def _some(folds: Indices) -> Iterator[tuple[int, Indices]]:
    for fold in np.unique(folds):
        inside = np.flatnonzero(folds == fold)
        for part in np.array_split(inside[_evenly(len(inside), _FRAMES_A_FOLD)], -(-_FRAMES_A_FOLD // _BATCH)):
            if len(part):
                yield int(fold), part


def _evenly(count: int, most: int) -> Indices:
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(np.intp))
