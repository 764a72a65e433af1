"""Applies settings that were read anew, and says what came of it. Belongs to the main thread."""

from __future__ import annotations

import logging
import queue
import time

from daemon.changes import waiting_for_restart
from daemon.config import Config, Settings
from daemon.fleet import Fleet
from daemon.pulse import Pulse
from daemon.reload import Proposal, Refusal, SettingsReader
from daemon.supervisor import Supervisor
from pipelines.metrics import Metrics
from pipelines.redact import redact

_log = logging.getLogger("vigil.reload")


class Reloads:
    """Takes what the reader proposes to the fleet."""

    def __init__(self, config: Config, reader: SettingsReader, fleet: Fleet, metrics: Metrics, pulse: Pulse) -> None:
        self._running: Settings = config.settings
        self._reader = reader
        self._fleet = fleet
        self._metrics = metrics
        self._pulse = pulse
        metrics.reload_success.set(1)
        metrics.reloaded.set(time.time())

    def ask(self) -> None:
        """Read the settings, changed or not; returns at once."""
        self._reader.ask()

    def mind(self, supervisor: Supervisor) -> bool:
        """Apply what has been read since; whether what was asked for is now done."""
        self._fleet.settle()
        try:
            found = self._reader.outbox.get_nowait()
        except queue.Empty:
            return False
        if isinstance(found, Refusal):
            self._refuse(found)
        else:
            self._apply(found, supervisor)
        return found.asked

    def _apply(self, proposal: Proposal, supervisor: Supervisor) -> None:
        self._fleet.apply(proposal.changes, proposal.rulings, supervisor)
        supervisor.stall_s = self._fleet.stall_s(self._running.watchdog.stall_s)
        self._metrics.reload_success.set(1)
        self._metrics.reloaded.set(time.time())
        self._pulse.well("settings")
        _log.info("settings reloaded: %s", proposal.changes.told())
        self._tell_restart(proposal.config.settings)

    def _tell_restart(self, written: Settings) -> None:
        waiting = waiting_for_restart(self._running, written)
        self._metrics.restart_needed.clear()
        for key in waiting:
            self._metrics.restart_needed.labels(key).set(1)
        if waiting:
            _log.warning("these settings take effect only when Vigil is restarted: %s", ", ".join(waiting))

    def _refuse(self, refusal: Refusal) -> None:
        reason = redact(refusal.reason)
        self._metrics.reload_success.set(0)
        self._pulse.amiss("settings", f"not reloaded, the old ones stay: {reason}")
        _log.error("settings not reloaded, the old ones stay: %s", reason)
