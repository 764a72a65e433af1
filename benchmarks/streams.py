"""Many cameras, one daemon: drops, latency, memory, what a stranger hears, how it stops.

    python -m benchmarks.streams --cameras 8 --minutes 5

Cameras of 640x360 at 15 frames/s, analysed at 5, served over RTSP by a process of its own.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.rig import CameraServer, Daemon, arguments, clips, running, tell
from daemon.bench.scrape import Page
from daemon.bench.watch import memory_mb

SETTLE_S = 60.0


def watch(daemon: Daemon, seconds: float) -> dict[str, Any]:
    """Let it run, then read off the figures; latency and memory count after the first minute."""
    time.sleep(min(SETTLE_S, seconds / 2))
    page = settled = daemon.page()
    since, memory = time.monotonic(), [memory_mb(page)]
    until = since + max(seconds - SETTLE_S, seconds / 2)
    while time.monotonic() < until:
        time.sleep(1.0)
        page = daemon.page()
        memory.append(memory_mb(page))
    used_s = page.total("vigil_cpu_seconds_total") - settled.total("vigil_cpu_seconds_total")
    passed = time.monotonic() - since
    return {
        "frames received": page.total("vigil_frames_received_total"),
        "frames analysed": page.total("vigil_frames_analysed_total"),
        "frames sampled out": page.total("vigil_frames_sampled_out_total"),
        "frames dropped": page.by("cause", "vigil_frames_dropped_total"),
        "capture to verdict p50 / p99, ms": quantiles(page, "vigil_capture_to_verdict_seconds", settled),
        "capture to publish p50 / p99, ms": quantiles(page, "vigil_capture_to_publish_seconds", settled),
        "memory after the first minute: first, last, highest, MB": [memory[0], memory[-1], max(memory)],
        "memory's growth": memory[-1] / memory[0] - 1,
        "cores used": used_s / passed,
        "alerts published": page.total("vigil_alerts_published_total"),
    }


def quantiles(page: Page, name: str, since: Page) -> list[float]:
    """Median and 99th percentile in milliseconds."""
    return [round(1000 * page.quantile(share, name, since), 1) for share in (0.5, 0.99)]


def heard(daemon: Daemon) -> dict[str, Any]:
    """What the stranger made of it."""
    lines = daemon.heard()
    alerts = [line for line in lines if line["schema"].startswith("vigil.alert/")]
    numbers = [line["seq"] for line in alerts]
    latencies = sorted(line["latency_ms"] for line in alerts if "latency_ms" in line)
    return {
        "alerts heard": len(alerts),
        "numbered without gap or double": numbers == list(range(1, len(numbers) + 1)),
        "messages with faults": [line["faults"] for line in lines if line["faults"]],
        "alert latency in the header, p99, ms": latencies[int(0.99 * len(latencies))] if latencies else None,
    }


def main() -> None:
    """Print the figures, one a line."""
    parser = arguments(__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="vigil-"))
    server = CameraServer(clips(work, options.cameras))
    server.start()
    try:
        with running(work, [server]) as daemon:
            figures = watch(daemon, 60 * options.minutes)
            code, took_s = daemon.stop()
            time.sleep(1.0)
            figures |= heard(daemon) | {"exit code": code, "seconds to stop": round(took_s, 2)}
    finally:
        server.kill()
    tell(figures, options.json)


if __name__ == "__main__":
    main()
