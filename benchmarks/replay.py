"""A subscriber stopped for a minute and then resumed, and one that connects late: each alert exactly once.

python -m benchmarks.replay --seconds 60
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.alerting import Label, Listener, Place, place
from benchmarks.rig import arguments, tell


def heard(path: Path) -> list[Label]:
    """What `vigil subscribe --json` has printed of alerts."""
    lines = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
    return [(line["boot_id"], line["seq"]) for line in lines if line["schema"].startswith("vigil.alert/")]


def verdict(name: str, labels: list[Label], wanted: list[Label]) -> dict[str, Any]:
    """How what one subscriber heard differs from what was kept."""
    return {
        f"{name}: alerts": len(labels),
        f"{name}: missed": len(set(wanted) - set(labels)),
        f"{name}: twice": len(labels) - len(set(labels)),
        f"{name}: out of order": sum(a > b for (_, a), (_, b) in pairwise(labels)),
    }


def measure(here: Place, seconds: float) -> dict[str, Any]:
    """Stop one subscriber, let another come late, and compare both with the journal."""
    here.start()
    watcher = Listener(here.publish)
    watcher.await_alerts(1)
    out = here.work / "stopped.jsonl"
    with out.open("wb") as file:
        command = [sys.executable, "-m", "daemon", "subscribe", here.publish, "--json", "--from", "start"]
        stopped = subprocess.Popen(command, stdout=file)
    try:
        watcher.await_alerts(30)
        os.kill(stopped.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(stopped.pid, signal.SIGCONT)
        late = Listener(here.publish, "start")
        watcher.await_alerts(20)
        here.end(signal.SIGTERM)
        wanted = here.kept()
        until = time.monotonic() + 60
        while time.monotonic() < until and (len(heard(out)) < len(wanted) or len(late.heard) < len(wanted)):
            time.sleep(0.2)
    finally:
        stopped.kill()
        stopped.wait()
    for listener in (watcher, late):
        listener.stop()
    return {
        "alerts kept": len(wanted),
        **verdict(f"stopped for {seconds:g} s", heard(out), wanted),
        **verdict("came late", late.heard, wanted),
    }


def main() -> None:
    """Print the figures, one a line."""
    parser = arguments(__doc__, cameras=None)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    with place(options.work) as here:
        tell(measure(here, options.seconds), options.json)


if __name__ == "__main__":
    main()
