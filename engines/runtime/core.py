"""OpenVINO's core, kept from telling its makers about us and from pulling a stack from under a signal."""

from __future__ import annotations

import importlib
import sys
from functools import cache
from typing import Any


@cache
def openvino_core() -> Any:
    """Return the one OpenVINO core of the process, never given back. To have effect it must be the only way to one.

    As installed, importing OpenVINO sends an event to Google Analytics from a thread of its own, unless somebody
    opted out beforehand. A machine that watches cameras calls nobody: the telemetry package is made unimportable, for
    which OpenVINO has a stub.

    Its plugin lays an alternative signal stack under the thread that loads it and takes it away when the core goes.
    Cores that do not go in the reverse order of their coming leave the thread with a stack that is no more, and
    the next SIGTERM, which Python takes on that stack, kills the process.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: cannot be imported
    return importlib.import_module("openvino").Core()
