"""How the daemon is: live, ready, and whether something is amiss though it works on."""

from __future__ import annotations

import threading
from collections.abc import Callable

from daemon.probes import Health


class Pulse:
    """Written by whoever knows, read by the health pages; safe to use from any thread."""

    def __init__(self) -> None:
        self.live = Health(ok=True)
        self.ready = Health(ok=False, reason="starting")
        self._lock = threading.Lock()
        self._amiss: dict[str, str] = {}
        self._watched: dict[str, Callable[[], str]] = {}

    def amiss(self, part: str, reason: str) -> None:
        """Say that a part does not work as it should, though the daemon goes on; replaces what was said of it."""
        with self._lock:
            self._amiss[part] = reason

    def well(self, part: str) -> None:
        """Say that nothing is amiss with a part, or no longer."""
        with self._lock:
            self._amiss.pop(part, None)

    def watch(self, part: str, ask: Callable[[], str]) -> None:
        """Have a part asked what is amiss with it, each time that somebody wants to know; it says "" when nothing is.

        It may be asked from any thread.
        """
        with self._lock:
            self._watched[part] = ask

    def whole(self) -> Health:
        """Whether nothing is amiss; else what, as ``part: reason``, in order of parts."""
        with self._lock:
            amiss, watched = dict(self._amiss), tuple(self._watched.items())
        amiss.update((part, reason) for part, ask in watched if (reason := ask()))
        reasons = tuple(f"{part}: {reason}" for part, reason in sorted(amiss.items()))
        return Health(ok=not reasons, reason="; ".join(reasons), reasons=reasons)
