"""Who may not get in is refused, counted and named within 2 s, and the rest do not notice.

    python -m benchmarks.intruders --cameras 2 --seconds 10

One daemon with keys and a token watches generated cameras; one subscriber and one scraper have what it takes. Each
attack runs for some seconds between calm ones, by a process of lower priority that comes from another address. Told is
when the log first named that address and the metric first counted, and latency under attack over that in the calm.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.intruder import FROM
from benchmarks.rig import CameraServer, arguments, clips, free_port, tell
from pipelines.guard.keyfiles import read_client
from pipelines.subscribe import Subscriber
from pipelines.wire import AlertMessage

ATTACKS = {
    "no key": ("publish", ("no_key",)),
    "unknown key": ("publish", ("unknown_key",)),
    "revoked key": ("publish", ("revoked_key",)),
    "100 MB to alerts": ("publish", ("too_long", "malformed")),
    "1000 connections to alerts": ("publish", ("too_many",)),
    "100 MB to metrics": ("http", ("too_long",)),
    "1000 connections to metrics": ("http", ("too_many",)),
    "slow-loris": ("http", ("too_slow", "too_many")),
}
_SETTINGS = """
[publish]
endpoint = "tcp://127.0.0.1:{alerts}"
keys = "keys"
[http]
port = {http}
token_file = "token"
[events]
update_s = 0.2
update_growth = 1.0
update_max_s = 0.2
"""
_CAMERA = """
[[cameras]]
name = "{name}"
source = "{url}"
profile = "{profile}"
threshold = 0.001
"""


@dataclass
class Site:
    """A folder with settings, keys and token, and the ports of the daemon that runs there."""

    folder: Path
    alerts: int = field(default_factory=free_port)
    http: int = field(default_factory=free_port)

    def lay_out(self, server: CameraServer) -> Path:
        """Write it all; returns the settings file."""
        for name in ("friend", "former"):
            self._vigil("keys", "new", name, "--keys", "keys")
        self._vigil("keys", "revoke", "former", "--keys", "keys")
        (self.folder / "token").write_text("tok3n")
        text = _SETTINGS.format(alerts=self.alerts, http=self.http)
        for name, clip in server.streams.items():
            profile = clip.with_name(clip.stem.replace("watched", "view") + ".vigil")
            text += _CAMERA.format(name=name, url=server.url(name), profile=profile.absolute())
        file = self.folder / "vigil.toml"
        file.write_text(text)
        return file

    def log(self) -> str:
        """What the daemon has said so far."""
        return (self.folder / "daemon.log").read_text()

    def scrape(self) -> str:
        """The metrics page, as one who may."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http}/metrics", headers={"Authorization": "Bearer tok3n"}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - likewise
            return str(answer.read().decode())

    def refused(self, listener: str, reasons: tuple[str, ...]) -> float:
        """Refusals counted so far."""
        wanted = {f'vigil_refused_total{{listener="{listener}",reason="{reason}"}}' for reason in reasons}
        lines = (line.rpartition(" ") for line in self.scrape().splitlines())
        return sum(float(value) for name, _, value in lines if name in wanted)

    def _vigil(self, *words: str) -> None:
        subprocess.run([sys.executable, "-m", "daemon", *words], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)


class Friend:
    """A subscriber with a key and a scraper with the token; keeps what they see, with the time of it."""

    def __init__(self, site: Site) -> None:
        self.alerts: list[tuple[float, float]] = []
        self.scrapes: list[tuple[float, float]] = []
        self.failed: list[str] = []
        self.gaps = 0
        self._site = site
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=one, daemon=True) for one in (self._listen, self._scrape)]

    def start(self) -> None:
        """Begin to listen and to scrape."""
        for one in self._threads:
            one.start()

    def stop(self) -> None:
        """End both."""
        self._stop.set()
        for one in self._threads:
            one.join(5)

    def _listen(self) -> None:
        keys = read_client(self._site.folder / "friend.key_secret")

        def missed(_: object) -> None:
            self.gaps += 1

        with Subscriber(f"tcp://127.0.0.1:{self._site.alerts}", keys=keys, on_gap=missed) as messages:
            while not self._stop.is_set():
                message = messages.receive()
                if isinstance(message, AlertMessage) and message.header.latency_ms is not None:
                    self.alerts.append((time.monotonic(), message.header.latency_ms.capture_to_publish))

    def _scrape(self) -> None:
        while not self._stop.wait(0.1):
            began = time.monotonic()
            try:
                self._site.scrape()
            except OSError as error:
                self.failed.append(str(error))
            self.scrapes.append((began, 1000 * (time.monotonic() - began)))


def quantiles(seen: list[tuple[float, float]], spans: list[tuple[float, float]]) -> list[float]:
    """Median and 99th percentile of what was seen in the spans of time, milliseconds."""
    values = [value for at, value in seen if any(start <= at < end for start, end in spans)]
    if len(values) < 10:
        return [float("nan")] * 2
    cuts = statistics.quantiles(values, n=100)
    return [round(cuts[49], 1), round(cuts[98], 1)]


def attack(site: Site, kind: str, seconds: float) -> tuple[dict[str, Any], tuple[float, float]]:
    """Let one kind of intruder loose; returns what came of it, and the span of time."""
    listener, reasons = ATTACKS[kind]
    before, length = site.refused(listener, reasons), len(site.log())
    words = [str(site.alerts), str(site.http), str(seconds)]
    keys = [str(site.folder / "former.key_secret"), str(site.folder / "keys" / "server.key")]
    command = [sys.executable, "-m", "benchmarks.intruder", kind, *words, *keys]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        began, named_s, counted_s = time.monotonic(), None, None
        while process.poll() is None:
            passed = round(time.monotonic() - began, 2)
            if named_s is None and f"refused {FROM}" in site.log()[length:]:
                named_s = passed
            if counted_s is None and site.refused(listener, reasons) > before:
                counted_s = passed
            time.sleep(0.05 if None in (named_s, counted_s) else 0.5)
        admitted = process.stdout.read().count("ADMITTED")
    span = (began, time.monotonic())
    refused = site.refused(listener, reasons) - before
    return {"refused": refused, "admitted": admitted, "counted after s": counted_s, "named after s": named_s}, span


def compare(friend: Friend, calm: list[tuple[float, float]], storm: list[tuple[float, float]]) -> dict[str, Any]:
    """Latency in the calm, under attack, and the ratio of the two."""
    figures: dict[str, Any] = {}
    for name, seen in (("capture to publish", friend.alerts), ("scrape", friend.scrapes)):
        still, under = quantiles(seen, calm), quantiles(seen, storm)
        ratio = [round(b / a, 2) for a, b in zip(still, under, strict=True)]
        figures[f"{name} p50 / p99: calm, ms"] = still
        figures[f"{name} p50 / p99: attacked, ms"] = under
        figures[f"{name} p50 / p99: ratio"] = ratio
    return figures


def main() -> None:
    """Print the figures, one a line."""
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each attack, and of each calm before it")
    options = parser.parse_args()
    server = CameraServer(clips(options.work or Path(tempfile.mkdtemp(prefix="vigil-")), options.cameras))
    server.start()
    figures: dict[str, Any] = {}
    calm, storm = [], []
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder))
        config = site.lay_out(server)
        with (site.folder / "daemon.log").open("wb") as log:
            daemon = subprocess.Popen([sys.executable, "-m", "daemon", "run", "--config", str(config)], stderr=log)
        try:
            while "watching" not in site.log():
                assert daemon.poll() is None, site.log()
                time.sleep(0.2)
            friend = Friend(site)
            friend.start()
            time.sleep(10)
            for kind in ATTACKS:
                began = time.monotonic()
                time.sleep(options.seconds)
                calm.append((began, time.monotonic()))
                figures[kind], span = attack(site, kind, options.seconds)
                storm.append(span)
                figures[kind] |= compare(friend, calm[-1:], [span])
                time.sleep(2.5)
            friend.stop()
            figures |= compare(friend, calm, storm)
            figures |= {"gaps of the friend": friend.gaps, "failed scrapes": friend.failed}
        finally:
            daemon.terminate()
            figures["exit code"] = daemon.wait(20)
            server.kill()
    tell(figures, options.json)


if __name__ == "__main__":
    main()
