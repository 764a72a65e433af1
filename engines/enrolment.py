"""Learns a camera's normality from ordinary footage, without gradients, in minutes on a CPU."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from engines.budget import Budget, fit_threshold, fit_threshold_stills, usual_share
from engines.contract import GAP_S, Engine, Pixels, Progress, Regime
from engines.errors import EnrolmentError
from engines.fitting import Fit, fit
from engines.footage import Footage
from engines.material import Material, encode
from engines.network.files import Network
from engines.profile import Arrays, Part, Profile
from engines.provenance import LeftOut, Origin, figures_of, made_of, made_with
from engines.shortness import few_pictures, short_footage
from engines.sorting import SortedFootage
from engines.unseen import unseen_scores
from engines.zoning import Hidden

_LEAST_FRAMES: Final = 50
_LEAST_S: Final = 10.0
_LEAST_STILLS: Final = 20
_WINDOW_S: Final = 4.0
_OUTLIER: Final = 5.0
_MOST_OUTLIERS: Final = 0.15
"""What makes up more of the footage than this is a part of what is normal there."""
_LEAST_RATIO: Final = 2.0
_CHOICES: Final = (0.01, 0.02, 0.05, 0.1)
"""Shares of stills that thresholds are told for."""

Indices = NDArray[np.intp]
Report = Callable[[Progress], None]


class EnrolmentSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The `[enrolment]` section of the settings."""

    false_alarms_per_day: Annotated[float, msgspec.Meta(gt=0, le=10000)] = 1.0
    """The budget that a camera's threshold is set for."""
    false_alarm_share: Annotated[float, msgspec.Meta(gt=0, lt=1)] | None = None
    """The same for stills, which have no time: the share of normal ones that is flagged. None: `budget.usual_share`."""
    most_frames: Annotated[int, msgspec.Meta(ge=100, le=20000)] = 3200
    """Frames kept of longer footage, evenly spread; each takes 0.3 MB of memory and 0.2 MB of temporary disk."""
    seed: int = 0
    """Of the anomalies that the scoring module learns from, and recorded in the profile."""


REGIME_WORDS: Final[dict[Regime, str]] = {"day": "by day", "infrared": "in infrared"}


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What enrolment made."""

    profile: Profile
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]
    """For people, one line each."""
    budget: Budget
    """The threshold and how sure it is."""
    seconds: float
    """Length of the footage; 0 for stills."""
    choices: tuple[Budget, ...] = ()
    """Of stills, what other budgets would bring, by their share."""


@dataclass(frozen=True, slots=True, eq=False)
class _Learnt:
    """What one regime's footage taught."""

    regime: Regime
    arrays: Arrays
    budget: Budget
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]
    provenance: dict[str, Any]
    seconds: float
    choices: tuple[Budget, ...]


class Enrolment:
    """Takes in footage and makes a profile of it. Memory stays bounded however long the footage.

    The engine must be open and run `network`, which the profile will embed. What is `hidden` of every frame, filled
    already, is learnt as no part of the view.
    """

    def __init__(
        self, engine: Engine, network: Network, settings: EnrolmentSettings, hidden: Hidden | None = None
    ) -> None:
        self._hidden = hidden
        self._engine = engine
        self._network = network
        self._settings = settings
        size, most = engine.spec.input_size, settings.most_frames
        self._footage = SortedFootage(lambda: Footage(size, most=most, hidden=hidden), hidden)
        self._still: bool | None = None

    def stretch(self, source: str, still: bool, sha256: str | None = None) -> None:  # noqa: FBT001 - callers name it
        """Begin a stretch of footage; motion does not reach across. `source` is told to people: no secrets in it.

        `sha256` is the digest of the file that it is read from, for the provenance. Raises `EnrolmentError` when stills
        and films are mixed.
        """
        if self._still not in (None, still):
            raise EnrolmentError(f"{source}: stills and films cannot be learnt together: enrol them apart")
        self._still = still
        self._footage.begin(source, still=still, sha256=sha256)

    def add(self, times_s: Sequence[float], pixels: Pixels) -> None:
        """Take in frames of the stretch, uint8 [N, H, W, 3] at the network's input size."""
        if self._still is None:
            raise EnrolmentError("no stretch was begun: call stretch() before add()")
        if len(times_s) != len(pixels) or pixels.shape[1:] != (*self._engine.spec.input_size, 3):
            raise EnrolmentError(f"frames of shape {pixels.shape} do not fit the network: resize them first")
        for time_s, one in zip(times_s, pixels, strict=True):
            self._footage.add(float(time_s), one)

    def finish(self, progress: Report | None = None) -> Enrolled:
        """Fit and calibrate; the footage is released. Raises `EnrolmentError` when it is too short.

        Each regime is learnt from its own footage, if that is long enough.
        """
        try:
            parts = self._footage.by_length()
            lacks = [(regime, self._lacks(footage)) for regime, footage in parts]
            if not lacks or lacks[0][1]:
                raise EnrolmentError(lacks[0][1] if lacks else self._lacks(None))
            learnt = [self._learn(regime, footage, _ticker(progress)) for regime, footage in parts[:1]]
            for (regime, footage), (_, why) in zip(parts[1:], lacks[1:], strict=True):
                if not why:
                    learnt.append(self._learn(regime, footage, _ticker(progress)))
            short = [f"{REGIME_WORDS[regime]}: {why}; it was not learnt" for regime, why in lacks if why]
            return self._enrolled(learnt, short)
        finally:
            self.close()

    def close(self) -> None:
        """Release the footage without finishing; may be called twice."""
        self._footage.close()

    def _learn(self, regime: Regime, footage: Footage, tick: Callable[[str, int, int], None]) -> _Learnt:
        footage.find_light()
        material = encode(footage, self._engine, tick)
        seed = self._settings.seed
        fitted = fit(material, np.arange(len(material.latents)), tick, seed)
        strange = _outliers(material, fitted, still=bool(self._still))
        left_out = _describe(footage, strange)
        if len(strange):
            fitted = fit(material, np.setdiff1d(fitted.chosen, strange), tick, seed)
        budget, choices = self._budget(fitted)
        warnings = self._warnings(footage, fitted, budget, left_out)
        provenance = self._provenance(regime, material, fitted, budget, left_out, warnings)
        light, view = footage.light, footage.view()
        arrays = fitted.normality.to_arrays() | ({} if light is None else light.to_arrays())
        arrays |= {} if view is None else view.to_arrays()
        arrays |= {} if self._hidden is None else self._hidden.to_arrays()
        seconds = 0.0 if self._still else footage.duration_s
        return _Learnt(regime, arrays, budget, left_out, warnings, provenance, seconds, choices)

    def _enrolled(self, learnt: Sequence[_Learnt], short: Sequence[str]) -> Enrolled:
        """Put the regimes together; one alone gives the profile that it always gave."""
        first, others = learnt[0], learnt[1:]
        warnings = [*first.warnings, *short]
        if others:
            warnings = [f"{REGIME_WORDS[one.regime]}: {line}" for one in learnt for line in one.warnings] + [*short]
        provenance = {**first.provenance, "warnings": warnings}
        if others:
            provenance["regimes"] = {one.regime: one.provenance for one in others}
        profile = Profile(
            self._network,
            bool(self._still),
            first.budget.threshold,
            provenance,
            first.arrays,
            first.regime,
            {one.regime: Part(one.budget.threshold, one.arrays) for one in others},
        )
        left_out = tuple(part for one in learnt for part in one.left_out)
        seconds = sum(one.seconds for one in learnt)
        return Enrolled(profile, left_out, tuple(warnings), first.budget, seconds, first.choices)

    def _lacks(self, footage: Footage | None) -> str:
        """Why footage cannot be learnt from; empty if it can."""
        frames = 0 if footage is None else len(footage.kept)
        seconds = 0.0 if footage is None else footage.duration_s
        if self._still and frames < _LEAST_STILLS:
            return f"{frames} pictures are too few to learn from: give at least {_LEAST_STILLS}"
        if not self._still and (frames < _LEAST_FRAMES or seconds < _LEAST_S):
            return (
                f"{frames} frames over {seconds:.0f} s are too few to learn from: give at least {_LEAST_FRAMES} frames "
                f"over {_LEAST_S:.0f} s, better some minutes"
            )
        return ""

    def _budget(self, fitted: Fit) -> tuple[Budget, tuple[Budget, ...]]:
        """The budget, and of stills what others would bring."""
        scores = unseen_scores(fitted.normality.fusion, fitted.statistics, fitted.pieces)
        if self._still:
            wanted = self._settings.false_alarm_share or usual_share(len(scores))
            choices = tuple(fit_threshold_stills(scores, share=share) for share in _CHOICES)
            return fit_threshold_stills(scores, share=wanted), choices
        stretches = [(times, scores[frames]) for frames, times in fitted.pieces]
        return fit_threshold(stretches, per_day=self._settings.false_alarms_per_day, apart_s=GAP_S), ()

    def _warnings(
        self, footage: Footage, fitted: Fit, budget: Budget, left_out: tuple[LeftOut, ...]
    ) -> tuple[str, ...]:
        if self._still:
            asked = self._settings.false_alarm_share is not None
            short = few_pictures(len(fitted.chosen), budget, asked=asked)
        else:
            short = short_footage(footage.duration_s, budget)
        apart = [f"{len(left_out)} parts of the footage are unlike all the rest and were left out"] if left_out else []
        return (*short, *apart)

    def _provenance(
        self,
        regime: Regime,
        material: Material,
        fitted: Fit,
        budget: Budget,
        left_out: tuple[LeftOut, ...],
        warnings: tuple[str, ...],
    ) -> dict[str, Any]:
        footage = material.footage
        parts = zip(footage.sources, footage.counts, self._footage.digests[regime], strict=True)
        return {
            **made_with(self._network, self._engine),
            **made_of([Origin(*part) for part in parts], left_out),
            "seconds": round(footage.duration_s, 2),
            "frames": {"given": sum(footage.counts), "kept": len(material.latents), "learnt": len(fitted.chosen)},
            "settings": msgspec.to_builtins(self._settings),
            "figures": {
                **figures_of(budget),
                "weights": dict(fitted.normality.fusion.weights),
                "power": fitted.normality.fusion.power,
            },
            **({} if self._hidden is None else {"hidden": round(float(self._hidden.cells.mean()), 4)}),
            "warnings": list(warnings),
        }


def _ticker(progress: Report | None) -> Callable[[str, int, int], None]:
    def tick(what: str, done: int, total: int) -> None:
        if progress is not None:
            progress(Progress(done, total, what))

    return tick


def _outliers(material: Material, fitted: Fit, *, still: bool) -> Indices:
    """Frames in windows of time whose peak is unlike that of all others, by any signal.

    Peaks are compared in the logarithm by median and median absolute deviation, which a few outliers cannot move.
    """
    number = np.arange(len(fitted.chosen)) if still else np.floor(material.times_s[fitted.chosen] / _WINDOW_S)
    stretches = material.stretches[fitted.chosen]
    _, windows = np.unique(np.stack([stretches, number]), axis=1, return_inverse=True)
    strange = np.zeros(windows.max() + 1, np.bool_)
    for values in fitted.statistics.values():
        peaks = np.full(len(strange), 1e-3)
        np.maximum.at(peaks, windows, np.nan_to_num(values, nan=1e-3))
        logs = np.log(peaks)
        middle = np.median(logs)
        spread = 1.4826 * float(np.median(np.abs(logs - middle))) + 0.05
        strange |= (logs > middle + _OUTLIER * spread) & (peaks > _LEAST_RATIO)
    if strange.mean() > _MOST_OUTLIERS:
        return np.empty(0, np.intp)
    return fitted.chosen[strange[windows]]


def _describe(footage: Footage, strange: Indices) -> tuple[LeftOut, ...]:
    """One entry for each run of frames left out."""
    runs = np.split(strange, np.flatnonzero(np.diff(strange) > 1) + 1) if len(strange) else []
    said = []
    for run in runs:
        first, last = footage.kept[run[0]], footage.kept[run[-1]]
        span = math.ceil(max(last.time_s - first.time_s, 0))
        why = f"unlike all other footage for about {span} s" if span else "unlike all others"
        said.append(LeftOut(footage.sources[first.stretch], float(first.time_s), why))
    return tuple(said)
