"""From the signals' maps to one map and one score.

Each view gives a map of how far each place is from its own normal. A frame's statistic is the mean of its
strongest places, smoothed over the last moments; `calibration.Tail` turns statistics into surprise, which makes
signals comparable; a weighted norm fuses them. Smoothing comes first, so that surprise keeps its meaning. What goes on
for a second counts for more: see `ongoing`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engines.calibration import Tail, fit_surprise_tail, fit_tail
from engines.contract import GAP_S, SIGNALS, Floats, Signal
from engines.ongoing import ONGOING_S, Ongoing, Piece, fit_ongoing

SMOOTHING_S: Final = 0.1
"""Time constant of the causal smoothing."""
_STRONGEST: Final = 0.01
"""Share of places whose mean is the frame's statistic."""

_GROUPS: Final = 128
"""Groups that the places of a map are put into, to see which can be among the strongest."""

View = Literal["appearance-latent", "appearance-lasting", "appearance-reconstruction", "motion", "motion-bodies"]
"""What is measured and calibrated on its own. A signal has one view or, at two paces or by places and bodies, two."""

SIGNAL_OF: Final[Mapping[View, Signal]] = {
    "appearance-latent": "appearance-latent",
    "appearance-lasting": "appearance-latent",
    "appearance-reconstruction": "appearance-reconstruction",
    "motion": "motion",
    "motion-bodies": "motion",
}
VIEWS: Final = tuple(SIGNAL_OF)
"""Profiles hold weights in this order, older ones fewer: a new view goes to the end."""

_STRONGEST_FEW: Final[Mapping[View, float]] = {"appearance-lasting": 0.004, "motion-bodies": 0.004}
"""The same where noise asks for less company, of averages and whole bodies: what is left behind, or far, is small."""

_LEAST_TAIL: Final[Mapping[View, float]] = {
    "appearance-latent": 0.1,
    "appearance-lasting": 0.05,
    "appearance-reconstruction": 0.1,
    "motion": 0.0,
    "motion-bodies": 0.05,
}
"""Least scale of a view's tail, as a share of where the tail begins. The footage of a few quiet minutes is alike to a
hair: without this, any other noise or focus would be as surprising as a man in the room."""

_UNREMARKABLE: Final[Mapping[View, float]] = {"motion-bodies": 0.5}
"""What is less says nothing: where hardly anybody comes by, the next to do so would surprise, however slow."""

Views = Mapping[View, Floats]


def statistic(maps: Floats, view: View | None = None) -> Floats:
    """Mean of the strongest places of each map [N, h, w] of a view: float32 [N]."""
    return strongest(maps, _STRONGEST if view is None else _STRONGEST_FEW.get(view, _STRONGEST))


def strongest(maps: Floats, share: float) -> Floats:
    """Mean of the strongest `share` of the places of each map [N, h, w]: float32 [N]."""
    flat = maps.reshape(len(maps), -1)
    count = max(1, round(share * flat.shape[1]))
    if len(flat) == 1:
        return np.array([_mean_of_strongest(flat[0], count)], np.float32)
    return np.asarray(np.partition(flat, -count, axis=1)[:, -count:].mean(1), np.float32)


def _mean_of_strongest(values: Floats, count: int) -> float:
    """The mean of the `count` largest; NaN if one is."""
    # Partition is ten times slower where most values are alike, as of a map on which hardly anything moves.
    bound = _reached(values, count)
    above = values[~(values < bound)] if bound > 0 else values[~(values <= 0)]
    few = above if len(above) >= count else values
    return float(np.partition(few, len(few) - count)[-count:].mean())


def _reached(values: Floats, count: int) -> float:
    """What at least `count` values reach, found at little cost: so many groups have a value as large; 0: unknown."""
    if values.size % _GROUPS or count > _GROUPS:
        return 0.0
    most = values.reshape(-1, _GROUPS).max(0)
    most.partition(_GROUPS - count)
    return float(most[_GROUPS - count])


@dataclass(frozen=True, slots=True, eq=False)
class Fusion:
    """How statistics become one score."""

    tails: Mapping[View, Tail]
    weights: Mapping[View, float]
    power: float
    """Of the norm that adds surprises up: at 1 each view counts, the higher the more the strongest alone does."""
    fused: Tail
    """From the weighted norm of surprises to their own surprise."""
    ongoing: Ongoing | None = None
    """How what goes on counts; None of stills, which have no time, and of a profile of before."""

    def surprises(self, statistics: Views) -> dict[View, Floats]:
        """Each view's surprise, of statistics or of maps; NaN, which says not measured, becomes 0."""
        return surprises_by(self.tails, statistics)

    def norm(self, surprises: Views) -> Floats:
        """The weighted norm of surprises of one shape."""
        return norm_of(surprises, self.weights, self.power)

    def score(self, surprises: Views, lasting: Views | None = None) -> Floats:
        """The surprise of the fused signals; of those that go on too, given what `averaged` makes of them."""
        moment = self.fused.surprise(self.norm(surprises))
        if self.ongoing is None:
            return moment
        if lasting is None:
            return self.ongoing.whole.surprise(moment)
        return self.ongoing.scores(moment, self.norm(lasting))

    def surprises_of(self, statistics: Mapping[View, float]) -> dict[View, float]:
        """Each view's surprise of one frame, from its statistics: for a few numbers arrays are slow."""
        return {
            view: 0.0 if math.isnan(value) else self.tails[view].surprise_of(value)
            for view, value in statistics.items()
        }

    def score_of(self, surprises: Mapping[View, float], lasting: Sequence[float] | None = None) -> float:
        """`score` of one frame; `lasting` is in the order of the surprises."""
        moment = self.fused.surprise_of(self._norm_of(surprises, surprises.values()))
        if self.ongoing is None:
            return moment
        if lasting is None:
            return self.ongoing.whole.surprise_of(moment)
        return self.ongoing.score(moment, self._norm_of(surprises, lasting))

    def _norm_of(self, views: Iterable[View], values: Iterable[float]) -> float:
        total = sum((self.weights[view] * value) ** self.power for view, value in zip(views, values, strict=True))
        return float(total ** (1 / self.power))

    def to_arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Arrays for a profile, their names beginning with `name`."""
        arrays = {f"{name}.{view}": tail.to_array() for view, tail in self.tails.items()}
        arrays[f"{name}.weights"] = np.array([self.weights.get(view, 0.0) for view in VIEWS], np.float32)
        arrays[f"{name}.power"] = np.array([self.power], np.float32)
        if self.ongoing is not None:
            arrays[f"{name}.ongoing"] = self.ongoing.lasting.to_array()
            arrays[f"{name}.whole"] = self.ongoing.whole.to_array()
        return {**arrays, f"{name}.fused": self.fused.to_array()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> Fusion:
        """The inverse of `to_arrays`."""
        tails = {view: Tail.from_array(arrays[f"{name}.{view}"]) for view in VIEWS if f"{name}.{view}" in arrays}
        weights = dict(zip(VIEWS, map(float, arrays[f"{name}.weights"]), strict=False))
        ongoing = None
        if f"{name}.ongoing" in arrays:
            ongoing = Ongoing(Tail.from_array(arrays[f"{name}.ongoing"]), Tail.from_array(arrays[f"{name}.whole"]))
        fused = Tail.from_array(arrays[f"{name}.fused"])
        return cls(tails, weights, float(arrays[f"{name}.power"][0]), fused, ongoing)


def by_signal(surprises: Views) -> dict[Signal, Floats]:
    """The larger surprise of each signal's views; 0 for a signal that has none."""
    made = {signal: np.zeros_like(next(iter(surprises.values()))) for signal in SIGNALS}
    for view, values in surprises.items():
        np.maximum(made[SIGNAL_OF[view]], values, out=made[SIGNAL_OF[view]])
    return made


def norm_of(surprises: Views, weights: Mapping[View, float], power: float) -> Floats:
    """The weighted norm of surprises of one shape, one array a view."""
    total = sum(np.power(weights[view] * values, power) for view, values in surprises.items())
    return np.asarray(np.power(total, 1 / power), np.float32)


def fit_tails(statistics: Views) -> dict[View, Tail]:
    """Calibrate each view on statistics of unseen normal frames, float32 [n], NaN where not measured."""
    tails = {}
    for view, values in statistics.items():
        measured = np.maximum(values[~np.isnan(values)], _UNREMARKABLE.get(view, 0.0))
        tails[view] = fit_tail(measured.astype(np.float64), _LEAST_TAIL[view])
    return tails


def fit_fusion(statistics: Views, weights: Mapping[View, float], power: float, pieces: Sequence[Piece] = ()) -> Fusion:
    """Calibrate the views and their norm on statistics of unseen normal frames; see `fusing` for weights and power.

    `pieces` are the frames of each stretch of footage; none of stills.
    """
    tails = fit_tails(statistics)
    surprises = surprises_by(tails, statistics)
    norms = norm_of(surprises, weights, power)
    fused = fit_surprise_tail(norms.astype(np.float64))
    if not pieces:
        return Fusion(tails, weights, power, fused)
    lasting = norm_of(averaged(surprises, pieces), weights, power)
    return Fusion(tails, weights, power, fused, fit_ongoing(fused.surprise(norms), lasting, pieces))


def averaged(surprises: Views, pieces: Sequence[Piece]) -> dict[View, Floats]:
    """What goes on of each view's surprises [n]: their average over the last moments, as far as it is reached now."""
    rows = np.stack(list(surprises.values()), axis=1)
    slow = rows.copy()
    for frames, times_s in pieces:
        slow[frames] = smooth(times_s.tolist(), rows[frames], ONGOING_S)
    return dict(zip(surprises, np.minimum(slow, rows).T, strict=True))


def surprises_by(tails: Mapping[View, Tail], statistics: Views) -> dict[View, Floats]:
    """Each view's surprise, of statistics or of maps; NaN, which says not measured, becomes 0."""
    return {view: np.nan_to_num(tails[view].surprise(values), nan=0.0) for view, values in statistics.items()}


def table(fusion: Fusion, ensemble: Sequence[Fusion], statistics: Views, pieces: Sequence[Piece] = ()) -> Floats:
    """Everything that is said of frames.

    From smoothed statistics, one float32 [n] a view, makes float32 [n, 1 + S + K]: the fused score, the surprise of
    each of SIGNALS (0 where not measured), and the fused score by each of the K members of the ensemble. `pieces` are
    the frames of each stretch; without them nothing is said of what goes on.
    """
    seen = [one.surprises(statistics) for one in (fusion, *ensemble)]
    lasting = [averaged(surprises, pieces) if pieces else None for surprises in seen]
    score, *members = (one.score(now, slow) for one, now, slow in zip((fusion, *ensemble), seen, lasting, strict=True))
    return np.stack([score, *by_signal(seen[0]).values(), *members], axis=1)


Average: TypeAlias = Callable[[Floats], Floats]
"""From the surprises of a frame, float32 [1 + K, V], to what goes on of them."""


def row(
    fusion: Fusion, ensemble: Sequence[Fusion], statistics: Mapping[View, float], average: Average | None = None
) -> list[float]:
    """A row of `table`, of one frame."""
    every = (fusion, *ensemble)
    seen = [one.surprises_of(statistics) for one in every]
    lasting: list[list[float] | None] = [None] * len(every)
    if average is not None and fusion.ongoing is not None:
        lasting = average(np.array([list(one.values()) for one in seen], np.float32)).tolist()
    score, *members = (one.score_of(now, slow) for one, now, slow in zip(every, seen, lasting, strict=True))
    signals = dict.fromkeys(SIGNALS, 0.0)
    for view, value in seen[0].items():
        signals[SIGNAL_OF[view]] = max(signals[SIGNAL_OF[view]], value)
    return [score, *signals.values(), *members]


def uncertainty(row: Sequence[float] | Floats) -> float:
    """One standard deviation of the score in a row of `table`, by the delete-one-block jackknife."""
    members = row[1 + len(SIGNALS) :]
    count = len(members)
    if count == 0:
        return 0.0
    mean = float(sum(members)) / count
    return math.sqrt(sum((float(each) - mean) ** 2 for each in members) / count * max(count - 1, 0))


@dataclass(slots=True)
class Smoother:
    """Causal exponential smoothing by time of the values of one camera."""

    constant_s: float = SMOOTHING_S
    _time_s: float = field(default=-math.inf, init=False)
    _value: Floats | None = field(default=None, init=False)
    _latest: Floats | None = field(default=None, init=False)

    def step(self, time_s: float, value: Floats) -> Floats:
        """Take in the value (any fixed shape) of a moment and return the smoothed one.

        NaN, which says not measured, leaves what was known before.
        """
        self._latest = value
        passed = time_s - self._time_s
        if self._value is None or not 0 < passed <= GAP_S:
            self._value = value
        else:
            moved = self._value + np.float32(-math.expm1(-passed / self.constant_s)) * (value - self._value)
            self._value = np.where(np.isnan(moved), np.where(np.isnan(value), self._value, value), moved)
        self._time_s = time_s
        return self._value

    def hold(self, until_s: float) -> None:
        """Take in that the last value stood until this time."""
        if self._latest is not None and until_s > self._time_s:
            self.step(until_s, self._latest)

    def forget(self) -> None:
        """Begin anew."""
        self._value = self._latest = None


def smooth(times_s: Sequence[float], values: Floats, constant_s: float = SMOOTHING_S) -> Floats:
    """Smooth the values [n, ...] of one stretch."""
    smoother = Smoother(constant_s)
    return np.stack([smoother.step(time_s, value) for time_s, value in zip(times_s, values, strict=True)])
