from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys, threading
from engines.runtime.core import openvino_core
core = openvino_core()
assert "CPU" in core.available_devices
assert sys.modules["openvino_telemetry"] is None
assert threading.active_count() == 1, threading.enumerate()
"""


def test_openvino_reports_to_nobody() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60)
