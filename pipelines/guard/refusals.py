"""Whom a listening socket turned away, and why: counted one by one, told in the log without flooding it."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Literal, Self, get_args

from pipelines.metrics import Metrics

_log = logging.getLogger("vigil.guard")

Reason = Literal[
    "no_key",
    "unknown_key",
    "revoked_key",
    "wrong_server_key",
    "unauthorised",
    "handshake",
    "malformed",
    "too_long",
    "too_slow",
    "too_many",
    "too_much",
]
REASONS: tuple[Reason, ...] = get_args(Reason)

_WINDOW_S = 10.0
_MOST_LINES = 20
"""In a window; who comes after that is told of in sum."""
_MOST_KNOWN = 1000


class Refusals:
    """Counts each refusal; logs the first of an address and reason at once, and how many followed every ten seconds.

    For one thread.
    """

    def __init__(self, listener: str, count: Callable[[Reason], object]) -> None:
        """`listener` names what was knocked at, such as ``publish``; `count` is called for each refusal."""
        self._listener = listener
        self._count = count
        self._began = time.monotonic()
        self._more: Counter[tuple[Reason, str]] = Counter()
        self._told: set[tuple[Reason, str]] = set()

    @classmethod
    def of(cls, metrics: Metrics, listener: str) -> Self:
        """Counted in `metrics`, where every reason has its series from the start."""
        for reason in REASONS:
            metrics.refused.labels(listener, reason)
        return cls(listener, lambda reason: metrics.refused.labels(listener, reason).inc())

    def note(self, reason: Reason, who: str, told: str) -> None:
        """Someone was turned away or cut off: `who`, and `told`, a phrase that goes on with "refused WHO: "."""
        self._count(reason)
        self.tell()
        what = (reason, who)
        if what in self._told:
            self._more[what] += 1
        elif len(self._told) < _MOST_LINES:
            self._told.add(what)
            _log.warning("%s: refused %s: %s", self._listener, who, told)
        else:
            # Whoever has a thousand addresses gets one entry for all that come after.
            self._more[what if len(self._more) < _MOST_KNOWN else (reason, "others")] += 1

    def tell(self) -> None:
        """Tell what was not told one by one, when the time has come. Call it now and then."""
        now = time.monotonic()
        if now - self._began < _WINDOW_S:
            return
        elapsed_s, self._began = now - self._began, now
        more, self._more = self._more, Counter()
        self._told = set()
        for (reason, who), count in more.most_common(_MOST_LINES):
            _log.warning("%s: refused %s %d times more in %.0f s: %s", self._listener, who, count, elapsed_s, reason)
        rest = more.most_common()[_MOST_LINES:]
        if rest:
            total = sum(count for _, count in rest)
            _log.warning("%s: refused %d times more from %d other addresses", self._listener, total, len(rest))
