"""How the daemon is: live, ready, and whether something is amiss though it works on."""

from __future__ import annotations

import threading

from daemon.probes import Health


class Pulse:
    """Written by whoever knows, read by the health pages; safe to use from any thread."""

    def __init__(self) -> None:
        self.live = Health(ok=True)
        self.ready = Health(ok=False, reason="starting")
        self._lock = threading.Lock()
        self._amiss: dict[str, str] = {}

    def amiss(self, part: str, reason: str) -> None:
        """Say that a part does not work as it should, though the daemon goes on; replaces what was said of it."""
        with self._lock:
            self._amiss[part] = reason

    def well(self, part: str) -> None:
        """Say that nothing is amiss with a part, or no longer."""
        with self._lock:
            self._amiss.pop(part, None)

    def whole(self) -> Health:
        """Whether nothing is amiss; else what, as ``part: reason``, in order of parts."""
        with self._lock:
            reasons = tuple(f"{part}: {reason}" for part, reason in sorted(self._amiss.items()))
        return Health(ok=not reasons, reason="; ".join(reasons), reasons=reasons)
