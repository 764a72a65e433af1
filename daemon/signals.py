"""Signals as flags: the first SIGTERM or SIGINT asks to stop, the second to leave at once; SIGHUP asks to reload."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ONE_WORD_S = 0.1
"""Signals closer together are one: `timeout` and terminals send theirs to the process and again to its group."""


class StopSignals:
    """What the process was asked by signals. The handlers set fields and do nothing else."""

    def __init__(self) -> None:
        self._count = 0
        self._heard_s = float("-inf")
        self._reload = False
        self.last = ""
        """Name of the latest signal, for the log."""

    def asked(self) -> bool:
        """Whether to stop."""
        return self._count > 0

    def insisted(self) -> bool:
        """Whether to leave without waiting for anything."""
        return self._count > 1

    def take_reload(self) -> bool:
        """Whether a reload was asked for since the last call."""
        asked, self._reload = self._reload, False
        return asked

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Catch the signals while the block runs; main thread only."""
        before = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)}
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._note_reload)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._heard_s >= _ONE_WORD_S:
            self._count += 1
            self._heard_s = now
        self.last = signal.Signals(number).name

    def _note_reload(self, _number: int, _frame: FrameType | None) -> None:
        self._reload = True
