"""Twenty seconds without cameras: who comes back, how fast, and whether the others notice who does not.

    python -m benchmarks.outage --cameras 8

Every camera is killed; after 20 s all but one are served again. That one never returns, and while the daemon keeps
trying it, the others must not miss a frame.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.rig import CameraServer, Daemon, arguments, clips, running, tell

OUTAGE_S = 20.0
AFTER_S = 20.0
FPS = 5.0


def analysed(daemon: Daemon) -> dict[str, float]:
    """Frames analysed so far, by camera."""
    return daemon.page().by("camera", "vigil_frames_analysed_total")


def recovery(daemon: Daemon, names: list[str], patience_s: float = 15.0) -> dict[str, float]:
    """Seconds until each camera is analysed again, from now; missing: not within `patience_s`."""
    before, began = analysed(daemon), time.monotonic()
    back: dict[str, float] = {}
    while time.monotonic() - began < patience_s and len(back) < len(names):
        now = analysed(daemon)
        for name in names:
            if name not in back and now[name] > before[name]:
                back[name] = round(time.monotonic() - began, 2)
        time.sleep(0.05)
    return back


def measure(daemon: Daemon, returning: CameraServer, lost: CameraServer) -> dict[str, Any]:
    """Kill both servers, wait, and bring one of them back."""
    time.sleep(10.0)
    for server in (returning, lost):
        server.kill()
    time.sleep(OUTAGE_S)
    returning.start()
    back = recovery(daemon, list(returning.streams))
    time.sleep(1.0)
    calm, dropped, began = analysed(daemon), daemon.page().by("camera", "vigil_frames_dropped_total"), time.monotonic()
    time.sleep(AFTER_S)
    page, passed = daemon.page(), time.monotonic() - began
    now = page.by("camera", "vigil_frames_analysed_total")
    (name,) = lost.streams
    states = [line for line in daemon.heard() if line["camera"] == name and "state" in line]
    return {
        "seconds until analysed again": back,
        "never returned: camera_up": page.total("vigil_camera_up", camera=name),
        "never returned: last status": [states[-1]["state"], states[-1]["reason"]],
        "the others: frames missed in the 20 s after": {
            camera: max(0, int(passed * FPS - (now[camera] - calm[camera]))) for camera in returning.streams
        },
        "the others: frames dropped in the 20 s after": sum(page.by("camera", "vigil_frames_dropped_total").values())
        - sum(dropped.values()),
    }


def main() -> None:
    """Print the figures, one a line."""
    options = arguments(__doc__).parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="vigil-"))
    shown = clips(work, options.cameras)
    lost = CameraServer({"cam0": shown.pop("cam0")})
    returning = CameraServer(shown)
    try:
        for server in (returning, lost):
            server.start()
        with running(work, [lost, returning]) as daemon:
            figures = measure(daemon, returning, lost)
    finally:
        for server in (returning, lost):
            server.kill()
    tell(figures, options.json)


if __name__ == "__main__":
    main()
