"""A journal on a disk of 8 MB that is filled, made read-only, and given back, under a load of alerts.

    sudo python -m benchmarks.fulldisk

Alerts must be published all the time; what was kept must stay; and without a restart the journal must keep alerts
again. Then the daemon is killed while the disk keeps nothing, and started again: no number may be given twice. It
mounts a tmpfs, which takes root.
"""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq

from benchmarks.alerting import Label, Listener, Place, place
from benchmarks.rig import arguments, tell
from pipelines.headers import AlertHeader
from pipelines.wire import ALERT_TOPIC, AlertMessage, decode


def fill(disk: Path) -> None:
    """Take every byte that is left."""
    with (disk / "filler").open("ab", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(b"x" * size)
            except OSError:
                size //= 2


def starve(disk: Path) -> None:
    """Take also whatever the journal gives up for the newest alerts, until it keeps nothing."""
    until = time.monotonic() + 3.0
    while time.monotonic() < until:
        fill(disk)


def remount(disk: Path, how: str, patience_s: float = 20.0) -> None:
    """Make it read-only (ro) or writable (rw); refused while a file is open for writing."""
    until = time.monotonic() + patience_s
    command = ["mount", "-o", f"remount,{how}", str(disk)]
    while subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode:
        if time.monotonic() > until:
            raise TimeoutError(f"{disk} could not be remounted {how}")
        time.sleep(0.01)


def measure(here: Place, disk: Path) -> dict[str, Any]:
    """Fill, make read-only, give back."""
    figures: dict[str, Any] = {}
    here.start()
    listener = Listener(here.publish, replay=False)
    listener.await_alerts(20)
    before = here.kept()
    starve(disk)
    mark = len(listener.heard)
    listener.await_alerts(20)
    figures["published while full"] = len(listener.heard) - mark
    remount(disk, "ro")
    mark = len(listener.heard)
    listener.await_alerts(20)
    figures["published while read-only"] = len(listener.heard) - mark
    remount(disk, "rw")
    (disk / "filler").unlink()
    listener.await_alerts(40)
    latest: Label = listener.heard[-1]
    until = time.monotonic() + 20.0
    while latest not in here.kept() and time.monotonic() < until:
        time.sleep(0.2)
    kept = here.kept()
    figures["kept again without a restart"] = latest in kept
    figures["kept before and gone"] = len(set(before) - set(kept))
    here.end(signal.SIGTERM)
    listener.stop()
    kept = here.kept()
    figures["heard"] = len(listener.heard)
    figures["heard and not kept in the end"] = len(set(listener.heard) - set(kept))
    return figures | killed(here, disk)


def killed(here: Place, disk: Path) -> dict[str, Any]:
    """Kill the daemon while the disk keeps nothing, and see what the next run makes of the event that was open."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with context, context.socket(zmq.SUB) as socket:
        socket.setsockopt(zmq.RCVHWM, 0)
        socket.subscribe(ALERT_TOPIC)
        socket.connect(here.publish)
        here.start()
        before = _headers(socket, lambda found: len(found) >= 20)
        starve(disk)
        remount(disk, "ro")
        from_s = time.time() + 0.5
        before += _headers(socket, lambda found: found[-1].published_unix > from_s)
        here.end(signal.SIGKILL)
        remount(disk, "rw")
        (disk / "filler").unlink()
        here.start()
        after = _headers(socket, lambda found: found[-1].end_reason == "interrupted")
        here.end(signal.SIGTERM)
        socket.setsockopt(zmq.LINGER, 0)
    labels = [(header.boot_id, header.seq) for header in (*before, *after)]
    ends = [header for header in after if header.end_reason == "interrupted"]
    return {
        "published before a kill and not kept": len({(h.boot_id, h.seq) for h in before} - set(here.kept())),
        "numbers given twice": len(labels) - len(set(labels)),
        "events of the killed run that were ended": len(ends),
    }


def _headers(
    socket: zmq.Socket[bytes], enough: Callable[[list[AlertHeader]], bool], patience_s: float = 60.0
) -> list[AlertHeader]:
    """Of the next alerts, as anybody hears them, until there are enough."""
    found: list[AlertHeader] = []
    until = time.monotonic() + patience_s
    while not found or not enough(found):
        if time.monotonic() > until:
            raise TimeoutError(f"what was awaited did not come within {patience_s:g} s")
        if socket.poll(200):
            message = decode(socket.recv_multipart())
            if isinstance(message, AlertMessage):
                found.append(message.header)
    return found


def main() -> None:
    """Print the figures, one a line."""
    options = arguments(__doc__, cameras=None).parse_args()
    with tempfile.TemporaryDirectory(prefix="vigil-disk-") as name:
        disk = Path(name)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "vigil", name], check=True)
        try:
            with place(options.work, disk / "journal") as here:
                tell(measure(here, disk), options.json)
        finally:
            subprocess.run(["umount", "--lazy", name], check=True)


if __name__ == "__main__":
    main()
