"""Log lines on stderr, as text or JSON; secrets are taken out of every one."""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import Literal, TextIO

import msgspec

from pipelines.redact import redact

_PRIORITY = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}


class LogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the daemon logs."""

    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


def set_up_logs(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Send the process's log lines to `stream` (stderr), replacing what was set up before."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    journal = "JOURNAL_STREAM" in os.environ and not stream.isatty()
    handler.setFormatter(JsonLines() if settings.format == "json" else TextLines(journal=journal))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("vigil").setLevel(settings.level.upper())
    logging.captureWarnings(capture=True)


class TextLines(logging.Formatter):
    """``2026-11-24T17:20:00.123+0000 INFO capture-gate vigil.capture: text``.

    Under systemd's journal the time is left to it, and the level is told as a priority (sd-daemon(3)).
    """

    def __init__(self, *, journal: bool = False) -> None:
        super().__init__()
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        """One line; a traceback follows it on lines of its own."""
        text = redact(super().format(record))
        line = f"{record.threadName} {record.name}: {text}"
        if self._journal:
            mark = f"<{_PRIORITY.get(record.levelno, 6)}>"
            return "\n".join(mark + part for part in line.splitlines())
        return f"{_time(record)} {record.levelname} {line}"


class JsonLines(logging.Formatter):
    """One JSON object a line; ``camera`` and ``event_id`` say what it is about, where it is about one of them."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        fields: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "thread": record.threadName,
            "message": redact(record.getMessage()),
        }
        fields |= _concerned(record)
        if record.exc_info:
            fields["error"] = redact(self.formatException(record.exc_info))
        return msgspec.json.encode(fields).decode()


def _concerned(record: logging.LogRecord) -> dict[str, str]:
    """What is named in `extra`; whatever a camera's own thread says is about that camera."""
    named = {key: str(getattr(record, key)) for key in ("camera", "event_id") if hasattr(record, key)}
    thread, dash, camera = (record.threadName or "").partition("-")
    return {"camera": camera, **named} if thread == "capture" and dash else named


def _time(record: logging.LogRecord) -> str:
    moment = time.localtime(record.created)
    return time.strftime("%Y-%m-%dT%H:%M:%S", moment) + f".{int(record.msecs):03d}" + time.strftime("%z", moment)
