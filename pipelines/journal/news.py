"""Tells subscribers, the log and the metrics how the journal is."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from pipelines.compose import iso_time
from pipelines.headers import JOURNAL_SCHEMA, JournalHeader
from pipelines.journal.condition import Condition
from pipelines.journal.journal import Journal
from pipelines.metrics import JournalMetrics

_log = logging.getLogger("vigil.journal")

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Archive:
    """What a publisher has to know of the journal and of the replay from it."""

    journal: Journal
    replay_at: Callable[[], str | None] = lambda: None
    """Where subscribers may ask for what they missed; None: nowhere."""


class JournalNews:
    """Notices when the journal's state changes. Belongs to one thread."""

    def __init__(self, journal: Journal, metrics: JournalMetrics, boot_id: str, heartbeat_s: float) -> None:
        """Tell of `journal` at each change, and every `heartbeat_s`."""
        self._journal, self._metrics, self._boot_id, self._heartbeat_s = journal, metrics, boot_id, heartbeat_s
        self._told = journal.condition
        self._since_s = time.time()
        self._due_ns = 0
        metrics.state(self._told.state)

    def hasten(self) -> None:
        """Be due at once, for someone who has just begun to listen."""
        self._due_ns = 0

    def due(self, now_ns: int) -> JournalHeader | None:
        """What is to be told now, if anything."""
        condition = self._journal.condition
        if condition.state != self._told.state:
            self._change(condition)
        elif now_ns < self._due_ns:
            return None
        self._due_ns = now_ns + round(self._heartbeat_s * _NS)
        totals, now_s = self._journal.totals, time.time()
        return JournalHeader(
            schema=JOURNAL_SCHEMA,
            boot_id=self._boot_id,
            state=self._told.state,
            reason=self._told.reason,
            since_at=iso_time(self._since_s),
            since_unix=round(self._since_s, 3),
            sent_at=iso_time(now_s),
            sent_unix=round(now_s, 3),
            heartbeat_s=self._heartbeat_s,
            waiting=self._journal.waiting,
            stored_alerts=totals.alerts,
            stored_bytes=totals.bytes,
        )

    def _change(self, condition: Condition) -> None:
        before, self._told, self._since_s = self._told, condition, time.time()
        self._metrics.state(condition.state)
        if condition.troubled:
            _log.error("the journal keeps nothing (%s), alerts go out all the same: %s", *_words(condition))
        elif condition.state in {"no-pictures", "making-room"}:
            _log.warning("the journal is short of room (%s): %s", *_words(condition))
        elif condition.state == "ok":
            _log.log(logging.WARNING if before.state != "starting" else logging.INFO, "the journal keeps alerts")


def _words(condition: Condition) -> tuple[str, str]:
    return condition.state, condition.reason
