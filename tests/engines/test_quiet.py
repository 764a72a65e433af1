from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys, threading
from engines.quiet import import_openvino
core = import_openvino().Core()
assert "CPU" in core.available_devices
assert sys.modules["openvino_telemetry"] is None
assert threading.active_count() == 1, threading.enumerate()
"""


def test_openvino_reports_to_nobody() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60)
