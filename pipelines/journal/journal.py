"""The stage that keeps alerts: a queue in memory, a thread that writes, and what is known of how that goes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pipelines.errors import JournalDamaged, JournalError
from pipelines.journal.aside import set_aside
from pipelines.journal.backlog import Backlog, Waiting
from pipelines.journal.condition import Condition
from pipelines.journal.disk import trouble
from pipelines.journal.interrupted import interrupted_ends
from pipelines.journal.settings import JournalSettings
from pipelines.journal.store import Totals
from pipelines.journal.vault import Kept, Vault
from pipelines.metrics import Metrics
from pipelines.wire import AlertMessage

_log = logging.getLogger("vigil.journal")

_IDLE_S = 0.1
_RETRY_S = 1.0
_TIDY_S = 1.0
_GROUP = 64
"""Most alerts of one commit."""
_LAST_S = 2.0
"""On stopping: longest wait for the publisher's last alerts, and for the disk to take them."""


class Journal:
    """A stage that keeps alerts. `submit`, `settled`, `wait`, `condition`, `interrupted` and `finish` may be called
    from any thread, and none of them ever waits for the disk longer than it says."""

    name = "journal"

    def __init__(self, settings: JournalSettings, folder: Path, metrics: Metrics, *, boot_id: str) -> None:
        """Keep the alerts of the run `boot_id` below `folder`; nothing is touched until the first step."""
        self.patience_s = settings.patience_s
        self._settings, self._folder, self._boot_id = settings, folder, boot_id
        self._metrics = metrics.journal
        self._lock = threading.Condition()
        self._backlog = Backlog()
        self._condition = Condition("starting", "the journal is being opened")
        self._kept = 0
        self._busy_since: float | None = None
        self._finished = threading.Event()
        self._vault: Vault | None = None
        self._retry_at = self._tidy_at = 0.0
        self._ends: list[AlertMessage] | None = None
        self._totals = Totals(0, 0)
        self._asked = False
        self._damage = ""

    def submit(self, message: AlertMessage) -> int:
        """Leave an alert to be kept; returns the number to ask after it by."""
        with self._lock:
            stripped, given_up = self._backlog.stripped, self._backlog.given_up
            number = self._backlog.put(message)
            self._metrics.alerts["lost"].inc(self._backlog.given_up - given_up)
            self._metrics.alerts["bare"].inc(self._backlog.stripped - stripped)
            self._metrics.waiting.set(len(self._backlog))
            self._lock.notify_all()
        return number

    def settled(self, number: int) -> bool:
        """Whether an alert is kept, or there is no use in waiting for that."""
        return self._kept >= number or self.condition.troubled

    def wait(self, number: int, timeout_s: float) -> bool:
        """Wait until an alert is kept; False when it is not, for the time or because the journal is in trouble."""
        with self._lock:
            self._lock.wait_for(lambda: self.settled(number), timeout_s)
            return self._kept >= number

    @property
    def condition(self) -> Condition:
        """How it is."""
        since = self._busy_since
        if since is not None and time.monotonic() - since > self.patience_s:
            return Condition("stalled", f"{self._folder}: the disk does not answer")
        return self._condition

    @property
    def totals(self) -> Totals:
        """How much is kept."""
        return self._totals

    @property
    def waiting(self) -> int:
        """Alerts that wait for the disk."""
        return len(self._backlog)

    def interrupted(self) -> Sequence[AlertMessage]:
        """Ends for events that earlier runs left open, to be published and submitted like other alerts; once only."""
        with self._lock:
            ends, self._ends = self._ends or [], None
        return ends

    def finish(self) -> None:
        """Nothing further will be submitted."""
        self._finished.set()

    def open(self) -> None:
        """Nothing: a disk that is not there yet is tried again, by `step`."""

    def step(self) -> bool:
        """Keep what waits, or tidy up; tries to open what is not."""
        if not self._opened() or (not self._keep_some() and not self._tidy()):
            self._rest()
        return True

    def close(self) -> None:
        """Keep the publisher's last alerts, and let go of the folder."""
        until = time.monotonic() + _LAST_S
        try:
            while time.monotonic() < until and not (self._finished.is_set() and not self._backlog):
                if not self._opened() or not self._keep_some():
                    self._rest()
        finally:
            if self._backlog:
                _log.error("%d alerts could not be kept: %s", len(self._backlog), self._condition.reason)
            self._let_go()

    def _opened(self) -> bool:
        if self._vault is not None:
            return True
        if time.monotonic() < self._retry_at:
            return False
        self._busy_since = time.monotonic()
        try:
            vault = self._vault = self._open()
            if not self._asked:
                ends = interrupted_ends(vault.unfinished(self._boot_id))
                with self._lock:
                    self._ends, self._asked = ends, True
                if ends:
                    _log.warning("%d events were open when an earlier run ended; ending them", len(ends))
            if vault.orphans:
                _log.info("removed the pictures of %d alerts that were never kept", vault.orphans)
            # What waits has still to be kept: only that says that it can be.
            if not self._backlog or not self._condition.troubled:
                self._become(Condition("ok"))
        except JournalError as error:
            self._fail(error)
            return False
        finally:
            self._busy_since = None
        return True

    def _open(self) -> Vault:
        try:
            if not self._damage:
                return Vault(self._folder, self._settings, look_over=not self._asked)
        except JournalDamaged as error:
            self._damage = str(error)
        try:
            set_aside(self._folder, self._damage)
        except OSError as error:
            raise trouble(error, self._folder) from error
        self._damage = ""
        return Vault(self._folder, self._settings)

    def _keep_some(self) -> bool:
        """Commit what waits, as one group; False when nothing does, or it failed."""
        with self._lock:
            items, lost = self._backlog.take(_GROUP), list(self._backlog.lost)
        if not items or self._vault is None:
            return False
        self._busy_since = time.monotonic()
        try:
            kept = self._vault.keep([item.message for item in items], lost)
        except JournalError as error:
            with self._lock:
                self._backlog.untake()
            self._fail(error)
            return False
        finally:
            spent_s = time.monotonic() - self._busy_since
            self._busy_since = None
        self._metrics.commit.observe(spent_s)
        with self._lock:
            self._backlog.done(items, lost)
        self._note(items, kept)
        return True

    def _note(self, items: Sequence[Waiting], kept: Kept) -> None:
        self._metrics.alerts["kept"].inc(kept.whole)
        self._metrics.alerts["bare"].inc(kept.bare)
        self._metrics.waiting.set(len(self._backlog))
        self._tell_totals()
        if kept.bare:
            condition = Condition("no-pictures", kept.why)
        elif kept.made_room:
            condition = Condition("making-room", f"{self._folder}: the disk is full; the oldest pictures are removed")
        else:
            condition = Condition("ok")
        with self._lock:
            self._kept = items[-1].number
            self._become(condition)
            self._lock.notify_all()

    def _tidy(self) -> bool:
        """A step of retention, if one is due; True when there is more to do."""
        if self._vault is None or time.monotonic() < self._tidy_at:
            return False
        self._busy_since = time.monotonic()
        try:
            more = self._vault.tidy()
        except JournalError as error:
            self._fail(error)
            return False
        finally:
            self._busy_since = None
        self._tell_totals()
        if not more:
            self._tidy_at = time.monotonic() + _TIDY_S
        return more

    def _tell_totals(self) -> None:
        if self._vault is not None:
            with suppress(JournalError):
                self._totals = self._vault.totals()
                self._metrics.bytes.set(self._totals.bytes)
                self._metrics.stored.set(self._totals.alerts)
                self._metrics.oldest.set(self._totals.oldest_unix or 0.0)
            for cause, count in self._vault.removed.items():
                self._metrics.removed[cause].inc(count)
            self._vault.removed.clear()

    def _fail(self, error: JournalError) -> None:
        """Let go of the journal, and try again in a while."""
        self._let_go()
        if isinstance(error, JournalDamaged):
            self._damage = str(error)
        self._retry_at = time.monotonic() + _RETRY_S
        with self._lock:
            self._become(Condition.after(error))
            self._lock.notify_all()

    def _become(self, condition: Condition) -> None:
        self._condition = condition

    def _let_go(self) -> None:
        vault, self._vault = self._vault, None
        if vault is not None:
            vault.close()

    def _rest(self) -> None:
        """Wait for an alert, or for the time of the next try."""
        with self._lock:
            if not self._backlog or self._vault is None:
                self._lock.wait(_IDLE_S)
