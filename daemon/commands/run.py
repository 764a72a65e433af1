"""``vigil run``: the daemon."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry

from daemon.arenas import limit_arenas
from daemon.build import build
from daemon.config import load_config
from daemon.crash import CrashFile, crash_folder, left_behind, told
from daemon.errors import EXIT_FAILED, EXIT_OK
from daemon.logs import set_up_logs
from daemon.notify import Notifier
from daemon.process import Daemon
from daemon.pulse import Pulse
from daemon.signals import StopSignals
from daemon.unforeseen import log_unforeseen
from daemon.version import installed_version
from engines.errors import VigilError

_log = logging.getLogger("vigil.daemon")

_SWITCH_S = 0.0005
"""A thread that computes gives the interpreter's lock away so often, ten times as often as by default: frames go on
while the page of metrics of dozens of cameras is written, which takes a tenth of a second."""


def run(path: Path, *, verbose: bool) -> int:
    """Run until told to stop; returns the exit code. Raises `SettingsError` before anything has started."""
    config = load_config(path)
    log = config.settings.log
    set_up_logs(msgspec.structs.replace(log, level="debug") if verbose else log)
    log_unforeseen()
    limit_arenas()
    sys.setswitchinterval(_SWITCH_S)
    folder = crash_folder()
    for kept, text in left_behind(folder):
        _log.error("an earlier run ended badly: %s\n%s", told(kept, text), text.rstrip())
    crash = CrashFile(folder)
    crash.open(installed_version())
    signals, pulse = StopSignals(), Pulse()
    code = EXIT_FAILED
    try:
        with signals.installed():
            assembly = build(config, CollectorRegistry(), pulse)
            code = Daemon(assembly, pulse, signals, Notifier(), crash).run()
    except VigilError:
        code = EXIT_OK  # told in one line by the command itself: settings and profiles that cannot work are no crash
        raise
    finally:
        crash.close(keep=code != EXIT_OK)
    return code
