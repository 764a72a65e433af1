"""``vigil run``: the daemon."""

from __future__ import annotations

import faulthandler
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry

from daemon.build import build
from daemon.config import load_config
from daemon.logs import set_up_logs
from daemon.notify import Notifier
from daemon.process import Daemon
from daemon.pulse import Pulse
from daemon.signals import StopSignals


def run(path: Path, *, verbose: bool) -> int:
    """Run until told to stop; returns the exit code. Raises `SettingsError` before anything has started."""
    config = load_config(path)
    log = config.settings.log
    set_up_logs(msgspec.structs.replace(log, level="debug") if verbose else log)
    faulthandler.enable()
    signals, pulse = StopSignals(), Pulse()
    with signals.installed():
        assembly = build(config, CollectorRegistry(), pulse)
        return Daemon(assembly, pulse, signals, Notifier()).run()
