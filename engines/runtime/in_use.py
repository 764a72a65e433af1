"""An engine that several threads use is not closed under their hands."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from engines.contract import Engine


class InUse:
    """Lets threads use the engine that serves now; one that serves no more is closed when the last has left it."""

    def __init__(self, engine: Engine) -> None:
        self._lock = threading.Lock()
        self._serving = engine
        self._users: dict[int, int] = {}
        self._retired: dict[int, Engine] = {}

    @property
    def serving(self) -> Engine:
        """Which it is; to be used by `use` alone."""
        return self._serving

    @contextmanager
    def use(self) -> Iterator[Engine]:
        """The engine that serves, for one call."""
        with self._lock:
            engine = self._serving
            self._users[id(engine)] = self._users.get(id(engine), 0) + 1
        try:
            yield engine
        finally:
            with self._lock:
                self._users[id(engine)] -= 1
                over = None if self._users[id(engine)] else self._retired.pop(id(engine), None)
            if over is not None:
                over.close()

    def serve(self, engine: Engine) -> Engine:
        """Let another serve from now on; returns the one that did."""
        with self._lock:
            before, self._serving = self._serving, engine
        return before

    def retire(self, engine: Engine) -> None:
        """Close an engine that does not serve, at once or as soon as nobody uses it."""
        with self._lock:
            used = bool(self._users.get(id(engine)))
            if used:
                self._retired[id(engine)] = engine
        if not used:
            engine.close()
