"""The trials of `benchmarks.regimes`: a generated view in which the light changes twice, with or without an anomaly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from engines.contract import Pixels
from pipelines.simulation.scene import KINDS, Effect, EffectKind, Kind, Planted, Scene, plant

VIEWS: Final = (0, 1, 5, 6)
FPS: Final = 5.0
SIZE: Final = (448, 252)
SECONDS: Final = 27.0
BEGIN_S: Final = 9.0
END_S: Final = 19.0
"""When the light changes, and when it changes back."""
_LEAD_S: Final = (-0.5, 1.5)
"""An anomaly begins so long after the light begins to change, or changes back."""


@dataclass(frozen=True)
class Trial:
    """One scene in which the light changes."""

    number: int
    kind: EffectKind
    view: int
    anomaly: Kind | None
    first_seed: int = 300
    """What is to be seen of trial n is drawn by the seed that is n higher."""

    @property
    def planted(self) -> tuple[Planted, ...]:
        """The anomaly, if there is one."""
        if self.anomaly is None:
            return ()
        lead_s = float(np.random.default_rng(self.number).uniform(*_LEAD_S))
        begins_s = (BEGIN_S if self.number % 4 == 1 else END_S - 3) + lead_s
        return (plant(self.view, self.anomaly, begins_s, seed=self.first_seed + self.number),)

    def frames(self, *, steady: bool = False) -> Iterator[tuple[float, Pixels, bool]]:
        """Time, pixels at the network's size, and whether an anomaly is to be seen; `steady` leaves the light alone."""
        effects = () if steady else (Effect(self.kind, BEGIN_S, END_S),)
        scene = Scene(self.view, self.first_seed + self.number, self.planted, SIZE, FPS, effects=effects)
        for index, (picture, truth) in enumerate(scene.frames(round(SECONDS * FPS))):
            yield index / FPS, shrunk(picture), truth.flagged


def trials(kind: EffectKind, count: int, first_seed: int = 300) -> list[Trial]:
    """So many trials of a kind of change, every second with an anomaly, all kinds of it in turn."""
    return [
        Trial(
            number,
            kind,
            VIEWS[(number // 2) % len(VIEWS)],
            KINDS[(number // 2) % len(KINDS)] if number % 2 else None,
            first_seed,
        )
        for number in range(count)
    ]


def normal(view: int, seconds: float, *, infrared: bool) -> Iterator[tuple[float, Pixels]]:
    """Normal footage of a view: time and pixels at the network's size."""
    effects = (Effect("infrared", -60.0),) if infrared else ()
    scene = Scene(view, 200 + infrared, (), SIZE, FPS, effects=effects)
    for index, (picture, _) in enumerate(scene.frames(round(seconds * FPS))):
        yield index / FPS, shrunk(picture)


def shrunk(picture: Pixels) -> Pixels:
    """A picture at the network's size."""
    return np.asarray(cv2.resize(picture, (256, 256), interpolation=cv2.INTER_AREA), np.uint8)
