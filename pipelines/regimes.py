"""Regime events: the light changes all over a camera's picture, or the camera is in a regime it was not enrolled for.

They are no alerts: a lamp that is lit makes one event that begins and ends, however many frames it changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from engines.contract import Regime
from pipelines.types import RegimeEvent, RegimeKind, Verdict

_NS: Final = 1_000_000_000
_OVER_S: Final[dict[RegimeKind, float]] = {"transition": 1.0, "not_enrolled": 0.0}
"""An event is over when nothing has spoken for it for so long: light that flickers makes one."""
_WORDS: Final[dict[Regime, str]] = {"day": "daylight", "infrared": "infrared"}


@dataclass(slots=True)
class _Open:
    regime_id: str
    before: Regime
    began_ns: int
    began_wall_s: float
    last_ns: int
    suppressed: int = 0


class RegimeTracker:
    """Follows one camera's light and regime. A state machine on the capture clock; reads no clock."""

    def __init__(self, camera: str, boot_id: str) -> None:
        self._camera = camera
        self._prefix = f"{boot_id}-{camera}-light"
        self._number = 0
        self._latest: Verdict | None = None
        self._open: dict[RegimeKind, _Open] = {}

    def observe(self, verdict: Verdict) -> Iterator[RegimeEvent]:
        """Take in the camera's next verdict; says what begins and ends with it. What was not judged says nothing."""
        if verdict.unfit is not None:
            return
        situation = verdict.situation
        before = situation.regime if self._latest is None else self._latest.situation.regime
        self._latest = verdict
        yield from self._follow("transition", verdict, before, on=situation.changing)
        yield from self._follow("not_enrolled", verdict, before, on=not situation.enrolled)

    def close(self) -> Iterator[RegimeEvent]:
        """End what goes on, for want of further frames."""
        latest, self._latest = self._latest, None
        for kind in tuple(self._open):
            assert latest is not None
            yield self._tell(kind, "end", latest)

    def _follow(self, kind: RegimeKind, verdict: Verdict, before: Regime, *, on: bool) -> Iterator[RegimeEvent]:
        now_ns, known = verdict.frame.captured_ns, self._open.get(kind)
        if known is None and on:
            self._number += 1
            name = f"{self._prefix}-{self._number}"
            self._open[kind] = _Open(
                name, before, now_ns, verdict.frame.wall_s, now_ns, int(verdict.situation.suppressed)
            )
            yield self._tell(kind, "begin", verdict)
        elif known is not None:
            known.suppressed += verdict.situation.suppressed
            known.last_ns = now_ns if on else known.last_ns
            if not on and now_ns - known.last_ns >= _OVER_S[kind] * _NS:
                yield self._tell(kind, "end", verdict)

    def _tell(self, kind: RegimeKind, phase: Literal["begin", "end"], verdict: Verdict) -> RegimeEvent:
        known = self._open[kind] if phase == "begin" else self._open.pop(kind)
        frame, regime = verdict.frame, verdict.situation.regime
        return RegimeEvent(
            camera=self._camera,
            regime_id=known.regime_id,
            kind=kind,
            phase=phase,
            before=known.before,
            regime=regime,
            reason=_reason(kind, phase, known.before, regime),
            suppressed=known.suppressed,
            began_wall_s=known.began_wall_s,
            at_wall_s=frame.wall_s,
            duration_s=max(0, frame.captured_ns - known.began_ns) / _NS,
        )


def _reason(kind: RegimeKind, phase: str, before: Regime, regime: Regime) -> str:
    if kind == "not_enrolled":
        word = _WORDS[regime]
        if phase == "end":
            return f"the camera no longer is in a regime that its profile does not know; now {word}"
        return (
            f"{word} was never enrolled: the camera is judged by the rest of its profile, as far as that goes; "
            f"enrol it with footage of {word} too"
        )
    if phase == "begin":
        return "the light changes all over the picture"
    return "the light has settled" if before == regime else f"from {_WORDS[before]} to {_WORDS[regime]}"
