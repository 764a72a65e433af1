"""Says of a camera what its capture thread cannot say itself, being dead or stuck. Belongs to the main thread."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

from daemon.board import Board
from daemon.pulse import Pulse
from pipelines.health.monitor import Monitor
from pipelines.metrics import CameraMetrics
from pipelines.types import CameraState, CameraStatus


@dataclass(frozen=True, slots=True)
class Spokesman:
    """Speaks for one camera."""

    camera: str
    metrics: CameraMetrics
    health: Monitor
    board: Board
    pulse: Pulse
    told: Callable[[CameraStatus], None]

    def died(self, error: BaseException) -> None:
        """Its capture failed, and is about to be started again."""
        self.metrics.restarts.inc()
        reason = f"its capture failed unexpectedly ({type(error).__name__}); starting it again"
        self.health.gone("lost", reason)
        self._change("lost", reason)

    def spent(self, is_spent: bool) -> None:  # noqa: FBT001 - a callback
        """Its capture failed too often in a row, or (false) does so no more."""
        if is_spent:
            self.pulse.amiss(
                self._part, "its capture fails again and again: see the log; it is tried seldom from now on"
            )
        else:
            self.pulse.well(self._part)

    def hangs(self, hangs: bool) -> None:  # noqa: FBT001 - a callback
        """Its capture hangs in a native call, or (false) goes on."""
        if hangs:
            reason = "its capture hangs in the decoder; only a restart of Vigil ends that"
            self.health.gone("stalled", reason)
            self._change("lost", reason)
            self.pulse.amiss(self._part, reason)
        else:
            self._change("live", "")
            self.pulse.well(self._part)

    @property
    def _part(self) -> str:
        return f"camera {self.camera}"

    def _change(self, state: CameraState, reason: str) -> None:
        self.metrics.up.set(state == "live")
        known = self.board.status(self.camera) or _unknown(self.camera)
        kinds = self.health.kinds
        self.told(dataclasses.replace(known, state=state, reason=reason, since_wall_s=time.time(), health=kinds))


def _unknown(camera: str) -> CameraStatus:
    return CameraStatus(
        camera=camera,
        state="starting",
        reason="",
        since_wall_s=time.time(),
        last_frame_wall_s=None,
        reconnects=0,
        score=None,
        threshold=None,
    )
