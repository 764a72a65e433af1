"""The first moments of what may become a fault: much of the view has just lost its place.

Faults come over some frames. Until it shows whether one becomes of it, such a frame raises no alarm, for a moment only:
what is local, as most anomalies are, does not get here.
"""

from __future__ import annotations

from typing import Final

from pipelines.health.latch import Suspicion

_SOME: Final = 0.85
_MUCH: Final = 0.65
_SOME_S: Final = 1.0
_MUCH_S: Final = 3.0
_MEMORY_S: Final = 20.0


class Unsettled:
    """Compares the view's agreement with what it was in the last half minute."""

    def __init__(self) -> None:
        self._usual: float | None = None
        self._now_s = 0.0
        self._some, self._much = Suspicion(_SOME_S), Suspicion(_MUCH_S)

    def see(self, now_s: float, agreement: float) -> bool:
        """Whether the frame of this agreement (0..1) should raise no alarm."""
        usual = agreement if self._usual is None else self._usual
        share = min(1.0, max(0.0, now_s - self._now_s) / _MEMORY_S)
        self._usual, self._now_s = usual + share * (agreement - usual), now_s
        some = self._some.update(now_s, reason=agreement < _SOME * usual)
        much = self._much.update(now_s, reason=agreement < _MUCH * usual)
        return some or much
