"""From `vigil run` to the first analysed frame, with a cached engine and a camera that answers.

    python -m benchmarks.startup --times 3

Beside it the yardstick, by turns: a Python that imports OpenVINO, OpenCV, PyAV and ZeroMQ, which no daemon of this kind
can do without. Wall time is what a person waits; processor time says what of it is the daemon's own on a busy machine.
The steps are those of the daemon's own log, from its start on. The first run fills the cache and does not count.
"""

from __future__ import annotations

import contextlib
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.rig import CameraServer, arguments, clips, free_port, settings, tell
from daemon.bench.footage import default_folder
from daemon.bench.scrape import Page

_IMPORTS: Final = "import openvino, cv2, av, zmq"
_PATIENCE_S: Final = 120.0
_POLL_S: Final = 0.02
_STEPS: Final = {
    "settings read, stages made": re.compile(r"vigil\.http: metrics at"),
    "engine ready": re.compile(r"vigil\.infer: engine ready"),
    "camera live": re.compile(r"is live"),
}


def yardstick() -> tuple[float, float]:
    """Wall and processor time of the imports, seconds."""
    return _timed([sys.executable, "-c", _IMPORTS])


def start(work: Path, config: Path, port: int) -> dict[str, float]:
    """One start: seconds to each step and to the first analysed frame, and the processor time until then."""
    log = work / "startup.log"
    with log.open("wb") as stderr:
        began_unix, began = time.time(), time.monotonic()
        command = [sys.executable, "-m", "daemon", "run", "--config", str(config)]
        process = subprocess.Popen(command, stderr=stderr)
        try:
            _await_frame(f"http://127.0.0.1:{port}/metrics", began)
            taken_s, cpu_s = time.monotonic() - began, _cpu_s(process.pid)
        finally:
            process.terminate()
            process.wait(30)
    lines = log.read_text().splitlines()
    found = {step: _told(lines, pattern, began_unix) for step, pattern in _STEPS.items()}
    return found | {"first analysed frame": taken_s, "processor time until then": cpu_s}


def main() -> None:
    """Print the medians."""
    parser = arguments(__doc__, cameras=None)
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    work = options.work or default_folder()
    server = CameraServer(clips(work, 1))
    ports = free_port(), free_port()
    with _serving(server):
        config = settings(work, [server], ports, "")
        start(work, config, ports[1])
        runs, bare = [], []
        for _ in range(options.times):
            bare.append(yardstick())
            runs.append(start(work, config, ports[1]))
    figures: dict[str, Any] = {"the imports alone, wall, s": _spread([wall_s for wall_s, _ in bare])}
    figures["the imports alone, processor, s"] = _spread([cpu_s for _, cpu_s in bare])
    figures |= {f"{step}, s": _spread([run[step] for run in runs]) for step in runs[0]}
    tell(figures, options.json)


@contextlib.contextmanager
def _serving(server: CameraServer) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.kill()


def _await_frame(metrics: str, began: float) -> None:
    while time.monotonic() - began < _PATIENCE_S:
        with contextlib.suppress(OSError):
            if Page.fetch(metrics).total("vigil_frames_analysed_total") > 0:
                return
        time.sleep(_POLL_S)
    raise TimeoutError(f"no frame was analysed within {_PATIENCE_S:g} s: see startup.log")


def _told(lines: list[str], pattern: re.Pattern[str], began_unix: float) -> float:
    line = next((line for line in lines if pattern.search(line)), None)
    return float("nan") if line is None else datetime.fromisoformat(line.split()[0]).timestamp() - began_unix


def _timed(command: list[str]) -> tuple[float, float]:
    began = time.monotonic()
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return time.monotonic() - began, used.ru_utime + used.ru_stime


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
