"""Which faults a camera has: tells their begin and end, and keeps its metrics."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from pipelines.metrics import CameraMetrics
from pipelines.types import HealthEvent, HealthKind

log = logging.getLogger("vigil.health")

JUDGED: Final = frozenset[HealthKind]({"frame_rate", "clock", "corrupt"})
"""Faults in which the frames that come are as good as ever."""


@dataclass(frozen=True, slots=True)
class _Fault:
    number: int
    cause: str
    wall_s: float
    at_s: float


class Ledger:
    """The faults of one camera that last. `tell` hears of each begin and end, `changed` after any of them."""

    def __init__(
        self,
        camera: str,
        metrics: CameraMetrics,
        tell: Callable[[HealthEvent], None],
    ) -> None:
        self._camera, self._metrics, self._tell = camera, metrics, tell
        self._faults: dict[HealthKind, _Fault] = {}
        self._number = 0

    @property
    def kinds(self) -> tuple[HealthKind, ...]:
        """The faults that last, oldest first; may be asked from any thread."""
        return tuple(self._faults.copy())

    def begin(self, kind: HealthKind, cause: str) -> None:
        """A fault is there; that it still is needs no telling."""
        if kind in self._faults:
            return
        self._number += 1
        fault = _Fault(self._number, cause, time.time(), time.monotonic())
        self._faults = {**self._faults, kind: fault}
        self._metrics.health[kind].set(1)
        self._metrics.health_events[kind].inc()
        log.warning("camera %s: %s: %s", self._camera, kind, cause, extra={"camera": self._camera})
        self._send(kind, fault, "begin")

    def end(self, kind: HealthKind) -> None:
        """A fault is over, if it was there."""
        fault = self._faults.get(kind)
        if fault is None:
            return
        self._faults = {known: each for known, each in self._faults.items() if known != kind}
        self._metrics.health[kind].set(0)
        log.info("camera %s: %s no longer, after %.1f s", self._camera, kind, time.monotonic() - fault.at_s)
        self._send(kind, fault, "end")

    def _send(self, kind: HealthKind, fault: _Fault, phase: Literal["begin", "end"]) -> None:
        self._tell(
            HealthEvent(
                camera=self._camera,
                kind=kind,
                phase=phase,
                number=fault.number,
                cause=fault.cause,
                judged=kind in JUDGED,
                began_wall_s=fault.wall_s,
                wall_s=time.time(),
                duration_s=0.0 if phase == "begin" else time.monotonic() - fault.at_s,
            )
        )
