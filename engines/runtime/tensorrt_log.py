"""What TensorRT says while it works, kept for the error that needs it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from engines.errors import EngineError
from engines.runtime.tensorrt_api import Release

_log = logging.getLogger("vigil.tensorrt")

_LEVELS: Final = {
    "INTERNAL_ERROR": logging.ERROR,
    "ERROR": logging.ERROR,
    "WARNING": logging.WARNING,
    "INFO": logging.DEBUG,  # TensorRT's INFO is a dozen lines a build, of use to its developers
    "VERBOSE": logging.DEBUG,
}
_KEPT: Final = 64
_TOLD: Final = 3


class TensorRtLog:
    """TensorRT's lines: to Vigil's log, and its complaints into exceptions.

    TensorRT calls back from its own threads; a deque takes that.
    """

    def __init__(self, release: Release) -> None:
        self._complaints: deque[str] = deque(maxlen=_KEPT)
        self.logger = _logger(release, self)
        """The ILogger to give to Builder, OnnxParser and Runtime."""

    def hear(self, severity: str, message: str) -> None:
        """Take a line. Never raises: an exception must not go back into TensorRT."""
        level = _LEVELS.get(severity, logging.ERROR)
        line = " ".join(message.split())
        if level >= logging.WARNING:
            _log.log(logging.DEBUG if level == logging.ERROR else level, "%s", line)  # errors are raised, not logged
        if level >= logging.ERROR:
            self._complaints.append(line)

    @contextmanager
    def during(self, doing: str) -> Iterator[None]:
        """Forget earlier complaints, and tell what goes wrong inside with those that come."""
        self._complaints.clear()
        try:
            yield
        except (RuntimeError, TypeError, ValueError, MemoryError) as error:  # what pybind11 makes of C++ exceptions
            raise self.error(doing, str(error)) from error

    def require(self, outcome: object, doing: str) -> None:
        """Check a status. Raises `EngineError` with TensorRT's own words when it is False or None."""
        if outcome is None or outcome is False:
            raise self.error(doing)

    def error(self, doing: str, *reasons: str) -> EngineError:
        """The exception for what could not be done: the last distinct complaints, on one line."""
        said = list(dict.fromkeys([*reasons, *self._complaints]))[-_TOLD:]
        told = "; ".join(" ".join(line.split()) for line in said if line.strip()) or "TensorRT gives no reason"
        return EngineError(f"TensorRT cannot {doing} ({told}): see `vigil doctor`")


@cache
def tensorrt_log(release: Release) -> TensorRtLog:
    """The one log of the process, never given back.

    TensorRT keeps the first logger that it is given for all of its life, beyond that of the objects that it was made
    for (https://docs.nvidia.com/deeplearning/tensorrt/latest/inference-library/c-api-docs.html: one logger a process).
    """
    return TensorRtLog(release)


def _logger(release: Release, heard: TensorRtLog) -> Any:
    base = release.module.ILogger

    def init(self: Any) -> None:
        base.__init__(self)  # pybind11 wants its own constructor called, not super()'s

    def log(_: Any, severity: Any, message: str) -> None:
        heard.hear(str(severity.name), message)

    return type("VigilLogger", (base,), {"__init__": init, "log": log})()
