"""Exceptions that nobody caught: logged like everything else, instead of printed past the log's format."""

from __future__ import annotations

import logging
import sys
import threading
from types import TracebackType

_log = logging.getLogger("vigil.daemon")


def log_unforeseen() -> None:
    """Have uncaught exceptions of every thread logged, secrets taken out, for the rest of the process's life."""
    sys.excepthook = _of_main
    threading.excepthook = _of_thread


def _of_main(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        _log.critical("unforeseen: %s: %s", kind.__name__, error, exc_info=(kind, error, trace))


def _of_thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_value is None or issubclass(found.exc_type, SystemExit):
        return
    name = "a thread" if found.thread is None else found.thread.name
    trace = (found.exc_type, found.exc_value, found.exc_traceback)
    _log.critical("unforeseen in %s: %s: %s", name, found.exc_type.__name__, found.exc_value, exc_info=trace)
