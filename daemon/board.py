"""How every camera is at this moment, told by the capture threads and read by the main thread."""

from __future__ import annotations

import threading
import time
from collections import Counter

from pipelines.types import CameraStatus


class Board:
    """The latest state of each camera; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._statuses: dict[str, CameraStatus] = {}
        self._live_since: dict[str, int] = {}
        self._forgotten: set[str] = set()

    def report(self, status: CameraStatus) -> None:
        """Keep what a camera's capture says of it."""
        with self._lock:
            if status.camera in self._forgotten:
                return  # the last word of a capture that was told to stop
            self._statuses[status.camera] = status
            if status.state != "live":
                self._live_since.pop(status.camera, None)
            else:
                self._live_since.setdefault(status.camera, time.monotonic_ns())

    def expect(self, camera: str) -> None:
        """Take in what is told of a camera, also of one that was forgotten."""
        with self._lock:
            self._forgotten.discard(camera)

    def forget(self, camera: str) -> None:
        """Drop a camera, and whatever is still told of it."""
        with self._lock:
            self._forgotten.add(camera)
            self._statuses.pop(camera, None)
            self._live_since.pop(camera, None)

    def status(self, camera: str) -> CameraStatus | None:
        """The camera's latest state; None before its first."""
        with self._lock:
            return self._statuses.get(camera)

    def live_since_ns(self) -> int | None:
        """Since when (monotonic) at least one camera has been delivering; None when none is."""
        with self._lock:
            return min(self._live_since.values(), default=None)

    def states(self) -> Counter[str]:
        """How many cameras are in each state."""
        with self._lock:
            return Counter(status.state for status in self._statuses.values())
