"""A journal on a disk of 8 MB that is filled, made read-only, and given back, under a load of alerts.

    sudo python -m benchmarks.fulldisk

Alerts must be published all the time; what was kept must stay; and without a restart the journal must keep alerts
again. It mounts a tmpfs, which takes root.
"""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.alerting import Label, Listener, Place, place
from benchmarks.rig import arguments, tell


def fill(disk: Path) -> None:
    """Take every byte that is left."""
    with (disk / "filler").open("ab", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(b"x" * size)
            except OSError:
                size //= 2


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
    until = time.monotonic() + 3.0
    while time.monotonic() < until:  # whatever the journal gives up for the newest is taken too
        fill(disk)
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
    return figures


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
