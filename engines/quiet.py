"""Libraries that would tell their makers about us, imported so that they do not."""

from __future__ import annotations

import importlib
import sys
from typing import Any


def import_openvino() -> Any:
    """Return the module `openvino`, without its telemetry.

    As installed, importing it sends an event to Google Analytics from a thread of its own, unless somebody opted
    out beforehand. A machine that watches cameras calls nobody: the telemetry package is made unimportable, for
    which OpenVINO has a stub. To have effect this must be the first import of OpenVINO in the process.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: cannot be imported
    return importlib.import_module("openvino")
