"""A daemon under a load of alerts: one generated camera, nearly every frame of which is an alert."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from benchmarks.rig import CameraServer, free_port
from pipelines.errors import SubscribeError, SubscribeTimeout, WireError
from pipelines.journal.reader import JournalReader
from pipelines.simulation.encode import encode_scene
from pipelines.simulation.scene import Scene
from pipelines.subscribe import After, Gap, Subscriber
from pipelines.wire import AlertMessage

Label = tuple[str, int]
_SECONDS = 20.0


@dataclass
class Place:
    """A camera, a settings file, and a daemon that is started and killed. Leaving it ends what still runs."""

    work: Path
    journal: Path
    server: CameraServer
    publish: str = field(default_factory=lambda: f"tcp://127.0.0.1:{free_port()}")
    replay: str = field(default_factory=lambda: f"tcp://127.0.0.1:{free_port()}")
    process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.kill()
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def start(self) -> None:
        """Run the daemon; returns at once."""
        with (self.work / "daemon.log").open("ab") as log:
            command = [sys.executable, "-m", "daemon", "run", "--config", str(self.work / "vigil.toml")]
            self.process = subprocess.Popen(command, stderr=log)

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(30)

    def kept(self) -> list[Label]:
        """Run and number of every alert in the journal, in order."""
        labels: list[Label] = []
        with JournalReader(self.journal) as reader:
            place = 0
            while alerts := reader.after(place, 500):
                labels += [(alert.header.boot_id, alert.header.seq) for alert in alerts]
                place = alerts[-1].id
        return labels


def place(work: Path | None, journal: Path | None = None, more: str = "") -> Place:
    """Make clip, profile and settings, and serve the camera."""
    work = work or Path(tempfile.mkdtemp(prefix="vigil-"))
    work.mkdir(parents=True, exist_ok=True)
    clip, profile = work / "clip.mp4", work / "place.vigil"
    if not profile.exists():
        encode_scene(Scene(0, seed=1), clip, _SECONDS)
        command = ["enrol", str(clip), "--fps", "5", "--false-alarms-per-day", "1000", "--out", str(profile)]
        subprocess.run([sys.executable, "-m", "daemon", *command], check=True)
    made = Place(work, journal or Path(tempfile.mkdtemp(prefix="journal-", dir=work)), CameraServer({"cam": clip}))
    made.server.start()
    (work / "vigil.toml").write_text(
        f'[publish]\nendpoint = "{made.publish}"\nheartbeat_s = 0.5\n[replay]\nendpoint = "{made.replay}"\n'
        f'[journal]\nfolder = "{made.journal}"\npatience_s = 10\n{more}\n[http]\nenabled = false\n'
        "[events]\nupdate_s = 0.001\nupdate_growth = 1\n"
        f'[[cameras]]\nname = "cam"\nsource = "{made.server.url("cam")}"\nprofile = "place.vigil"\n'
        "fps = 15\nthreshold = 0.001\n"
    )
    return made


class Listener:
    """Hears a daemon on a thread of its own."""

    def __init__(self, endpoint: str, after: After | None = None, *, replay: bool = True) -> None:
        self.heard: list[Label] = []
        self.gaps: list[Gap] = []
        self._endpoint, self._after, self._replay = endpoint, after, "auto" if replay else None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Hear no more."""
        self._stop.set()
        self._thread.join(10)

    def await_alerts(self, count: int, patience_s: float = 60.0) -> None:
        """Return once so many more have come. Raises TimeoutError."""
        wanted, until = len(self.heard) + count, time.monotonic() + patience_s
        while len(self.heard) < wanted:
            if time.monotonic() > until:
                raise TimeoutError(f"{count} more alerts did not come within {patience_s:g} s")
            time.sleep(0.01)

    def _run(self) -> None:
        with Subscriber(self._endpoint, after=self._after, replay=self._replay, on_gap=self.gaps.append) as messages:
            while not self._stop.is_set():
                try:
                    message = messages.receive(0.3)
                except (SubscribeTimeout, SubscribeError, WireError):
                    continue
                if isinstance(message, AlertMessage):
                    self.heard.append((message.header.boot_id, message.header.seq))
