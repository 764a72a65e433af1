"""One camera's health: every detector sees every frame, and says together whether the frame may raise an alarm."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from engines.contract import Regime
from engines.view import Comparison, Look, View, look_at
from engines.zoning import Hidden
from pipelines.health.black import Black
from pipelines.health.clock import Clock
from pipelines.health.corrupt import Corrupt
from pipelines.health.covered import Covered
from pipelines.health.defocused import Defocused
from pipelines.health.evidence import WELL, Detector, Evidence, Seen
from pipelines.health.format import Format
from pipelines.health.frozen import Frozen
from pipelines.health.latch import Latch, Suspicion
from pipelines.health.ledger import Ledger
from pipelines.health.moved import Moved
from pipelines.health.overexposed import Overexposed
from pipelines.health.rate import FrameRate
from pipelines.health.reference import References
from pipelines.health.settings import HealthSettings
from pipelines.health.unsettled import Unsettled
from pipelines.metrics import CameraMetrics
from pipelines.sources.source import Sample
from pipelines.types import HealthEvent, HealthKind, Unfit

_SUSPECT_S: Final = 3.0
"""What has not become a fault by then is none: the picture is judged as it is."""
_IN_PLACE: Final = 0.5
"""With so much agreement a frame shows the usual view, in whatever light."""
_SPOILS: Final = frozenset[HealthKind]({"black", "overexposed", "frozen", "covered", "moved", "defocused"})
"""While one of these is named, no frame is judged; of the others only frames that they spoil."""


_NO_VIEWS: Final[Mapping[Regime, View]] = {}


@dataclass(slots=True)
class _Watch:
    """A detector, and what became of what it said."""

    detector: Detector
    latch: Latch
    suspicion: Suspicion
    named: bool = False
    """The fault has a name, and this frame is spoilt by it."""
    present: bool = False
    """The frame shows the fault, which has no name yet."""
    suspect: bool = False

    @classmethod
    def over(cls, detector: Detector) -> _Watch:
        return cls(detector, Latch(detector.begin_s, detector.end_s), Suspicion(_SUSPECT_S))

    def take(self, now_s: float, evidence: Evidence) -> None:
        """Take in what was said of a frame."""
        on = self.latch.update(now_s, present=evidence.present)
        self.suspect = self.suspicion.update(now_s, reason=evidence.suspect)
        self.named = on and (evidence.suspect or self.detector.kind in _SPOILS)
        self.present = self.suspect and evidence.present

    def forget(self) -> None:
        self.detector.forget()
        self.latch.release()
        self.suspicion = Suspicion(_SUSPECT_S)
        self.named = self.present = self.suspect = False


@dataclass(frozen=True, slots=True)
class Fitness:
    """What may be made of a frame."""

    unfit: Unfit | None = None
    """Why it is not to be judged; None if it is."""
    held: bool = False
    """It may be judged, but what may yet become a fault begins no alarm."""


_FIT: Final = Fitness()


class Monitor:
    """Sees a camera's samples, tells its faults, and says which frames are unfit to be judged.

    May be used from any thread, one at a time.
    """

    def __init__(
        self,
        camera: str,
        metrics: CameraMetrics,
        tell: Callable[[HealthEvent], None] = lambda _: None,
        *,
        views: Mapping[Regime, View] = _NO_VIEWS,
        still: bool = False,
        settings: HealthSettings = HealthSettings(),  # noqa: B008 - frozen
    ) -> None:
        """`views` are the profile's, by regime. A `still` profile is of unrelated pictures: only losses are told."""
        self._ledger = Ledger(camera, metrics, tell)
        self._one_at_a_time = threading.Lock()  # a capture that is replaced may not have ended yet
        self._begin(views, still=still, settings=settings)

    @property
    def kinds(self) -> tuple[HealthKind, ...]:
        """The faults that last."""
        return self._ledger.kinds

    def retune(self, views: Mapping[Regime, View], *, still: bool, settings: HealthSettings) -> None:
        """Go on by another profile's views or other settings; faults of the picture are looked for anew."""
        with self._one_at_a_time:
            self._end_all()
            self._begin(views, still=still, settings=settings)

    def see(self, sample: Sample) -> Fitness:
        """Take in the camera's next sample; returns what may be made of it."""
        with self._one_at_a_time:
            return self._see(sample)

    def gone(self, kind: Literal["lost", "stalled"], cause: str) -> None:
        """No frames come: nothing is known of the picture until they do."""
        with self._one_at_a_time:
            self._end_all()
            self._ledger.end("stalled" if kind == "lost" else "lost")
            self._ledger.begin(kind, cause)

    def over(self) -> None:
        """The source is over: no fault, and none that could last."""
        with self._one_at_a_time:
            for kind in self.kinds:
                self._ledger.end(kind)

    def _begin(self, views: Mapping[Regime, View], *, still: bool, settings: HealthSettings) -> None:
        self._views = views
        self._go_by(None)
        watched = settings.enabled and not still
        ignored = frozenset(settings.ignore)
        stream: tuple[Detector, ...] = (Format(), FrameRate(), Clock(), Corrupt())
        # In this order: where one is present, what it makes of the picture is no evidence for those after it.
        picture: tuple[Detector, ...] = (Black(), Overexposed(), Frozen(), Covered(), Moved(), Defocused())
        self._stream = [_Watch.over(each) for each in stream if watched and each.kind not in ignored]
        self._picture = [_Watch.over(each) for each in picture if watched and each.kind not in ignored]

    def _go_by(self, hidden: Hidden | None) -> None:
        """Compare pictures as far as nothing is hidden of them."""
        self._hidden = hidden
        self._references = References(self._views, hidden)
        self._unsettled = Unsettled()

    def _end_all(self) -> None:
        self._references.forget()
        self._end(self._watches)

    def _end(self, watches: Sequence[_Watch]) -> None:
        for watch in watches:
            watch.forget()
            self._ledger.end(watch.detector.kind)

    def _see(self, sample: Sample) -> Fitness:
        if sample.hidden is not self._hidden:  # behind other masks faults of the picture are looked for anew
            self._end(self._picture)
            self._go_by(sample.hidden)
        self._ledger.end("lost")
        self._ledger.end("stalled")
        if not self._picture and not self._stream:
            return _FIT
        seen = self._measured(sample)
        self._ask(seen)
        fitness = self._fitness(seen)
        if fitness == _FIT:
            self._references.observe(seen.now_s, seen.look)
        return fitness

    @property
    def _watches(self) -> Sequence[_Watch]:
        return (*self._picture, *self._stream)

    def _fitness(self, seen: Seen) -> Fitness:
        unsettled = seen.beside is not None and self._unsettled.see(seen.now_s, seen.beside.agreement)
        named = next((watch.detector.kind for watch in self._watches if watch.named), None)
        if named is not None:
            return Fitness(unfit=named)
        if any(watch.present for watch in self._watches):
            return Fitness(unfit="unsettled")
        return Fitness(held=unsettled or any(watch.suspect for watch in self._watches))

    def _measured(self, sample: Sample) -> Seen:
        now_s, look, known = sample.captured_ns / 1e9, look_at(sample.pixels, sample.hidden), self._references
        regime, (view, beside) = known.regime, self._beside(look)
        # What hides the view, or garbles it, takes its colour away too, and is no night.
        if not sample.damaged and (beside is None or beside.agreement >= _IN_PLACE):
            known.enter(now_s, sample.pixels)
        if known.regime != regime:
            view, beside = self._beside(look)
        return Seen(sample, now_s, look, known.regime, view, view is not known.own, beside)

    def _beside(self, look: Look) -> tuple[View | None, Comparison | None]:
        """The view to compare a frame with, and how it looks beside it."""
        view = self._references.own or self._references.other
        return view, view.compare(look) if view is not None and view.structured else None

    def _ask(self, seen: Seen) -> None:
        """Let every detector see the frame, and bring the ledger up to date."""
        for watch in self._stream:
            self._take(watch, seen.now_s, watch.detector.see(seen))
        if any(watch.named for watch in self._stream):
            return  # what is wrong with the picture comes from the stream
        masked = False
        for watch in self._picture:
            said = watch.detector.see(seen)
            self._take(watch, seen.now_s, WELL if masked else said)
            masked = masked or watch.latch.on or said.present

    def _take(self, watch: _Watch, now_s: float, said: Evidence) -> None:
        watch.take(now_s, said)
        if watch.latch.on:
            self._ledger.begin(watch.detector.kind, said.cause)
        else:
            self._ledger.end(watch.detector.kind)
