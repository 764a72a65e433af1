"""Eight (or so) generated cameras over RTSP and a daemon that watches them, each a process of its own."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daemon.bench.scrape import Page
from pipelines.simulation.encode import encode_scene
from pipelines.simulation.scene import Scene, plan_anomalies

_SCHEMA = Path(__file__).parent.parent / "docs" / "alert.schema.json"
NORMAL_S, WATCHED_S = 150.0, 150.0


def render(work: Path, view: int) -> None:
    """Render a view's normal footage and its watched clip, unless they are there from an earlier run."""
    normal, watched = work / f"normal{view}.mp4", work / f"watched{view}.mp4"
    if not normal.exists():
        encode_scene(Scene(view, seed=1), normal, NORMAL_S)
    if not watched.exists():
        plan = plan_anomalies(view, WATCHED_S, seed=2, first_s=10.0)
        encode_scene(Scene(view, seed=2, anomalies=plan), watched, WATCHED_S)


def prepare(work: Path, views: int) -> None:
    """Render and enrol what is missing in `work`."""
    work.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(render, [work] * views, range(views)))
    for view in range(views):
        if not (work / f"view{view}.vigil").exists():
            command = ["enrol", str(work / f"normal{view}.mp4"), "--fps", "5", "--out", str(work / f"view{view}.vigil")]
            subprocess.run([sys.executable, "-m", "daemon", *command], check=True)


def arguments(about: str | None, *, cameras: int | None = 8) -> argparse.ArgumentParser:
    """The arguments that the benchmarks of a running daemon share; without `cameras` their number is no choice."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="clips and profiles are kept here, to be used again")
    if cameras is not None:
        parser.add_argument("--cameras", type=int, default=cameras)
    parser.add_argument("--json", type=Path, help="keep the figures in this file")
    return parser


def clips(work: Path, cameras: int) -> dict[str, Path]:
    """What each camera shows, made if it is not there."""
    prepare(work, cameras)
    return {f"cam{view}": work / f"watched{view}.mp4" for view in range(cameras)}


def tell(figures: dict[str, Any], kept: Path | None) -> None:
    """Print the figures, one a line, and keep them."""
    for name, value in figures.items():
        print(f"{name:58} {value}")
    if kept is not None:
        kept.write_text(json.dumps(figures, indent=2) + "\n")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class CameraServer:
    """The stand-in cameras, in a process of their own."""

    streams: dict[str, Path]
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Serve; returns once the port is open."""
        names = [f"{name}={path}" for name, path in self.streams.items()]
        command = [sys.executable, "-m", "pipelines.simulation.rtsp", "--port", str(self.port), *names]
        # In a session of its own, so that a Ctrl-C reaches the benchmark alone.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def tell(self, command: str) -> None:
        """Send a line such as ``refuse cam3``, and wait until it is done: see `pipelines.simulation.control`."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "done" not in answer:
            raise ValueError(answer["refused"])

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def url(self, name: str) -> str:
        """Where a camera is served."""
        return f"rtsp://127.0.0.1:{self.port}/{name}"


@dataclass
class Daemon:
    """A running `vigil run`, and the stranger that listens to it."""

    process: subprocess.Popen[bytes]
    stranger: subprocess.Popen[bytes]
    metrics: str
    heard_in: Path

    def page(self) -> Page:
        """Scrape its metrics."""
        return Page.fetch(self.metrics)

    def heard(self) -> list[dict[str, Any]]:
        """What the stranger has received so far."""
        return [json.loads(line) for line in self.heard_in.read_text().splitlines() if line.endswith("}")]

    def stop(self) -> tuple[int, float]:
        """SIGTERM; returns the exit code and how long it took, seconds."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        return code, time.monotonic() - began


def settings(work: Path, servers: Sequence[CameraServer], ports: tuple[int, int], extra: str) -> Path:
    """Write the settings file of a run."""
    lines = [
        f'[publish]\nendpoint = "tcp://127.0.0.1:{ports[0]}"\nheartbeat_s = 1',
        '[journal]\nfolder = "journal"\n[replay]\nenabled = false',
        f"[http]\nport = {ports[1]}",
        extra,
    ]
    for server in servers:
        for name, clip in server.streams.items():
            profile = clip.with_name(clip.stem.replace("watched", "view") + ".vigil")
            lines.append(f'[[cameras]]\nname = "{name}"\nsource = "{server.url(name)}"\nprofile = "{profile}"\nfps = 5')
    path = work / "vigil.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


@contextlib.contextmanager
def running(work: Path, servers: Sequence[CameraServer], extra: str = "") -> Iterator[Daemon]:
    """Run the daemon and the stranger until the block is left."""
    ports = free_port(), free_port()
    config = settings(work, servers, ports, extra)
    with (work / "daemon.log").open("wb") as log, (work / "heard.jsonl").open("wb") as heard:
        command = [sys.executable, "benchmarks/stranger.py", f"tcp://127.0.0.1:{ports[0]}", str(_SCHEMA)]
        stranger = subprocess.Popen(command, stdout=heard)
        process = subprocess.Popen([sys.executable, "-m", "daemon", "run", "--config", str(config)], stderr=log)
        url = f"http://127.0.0.1:{ports[1]}"
        try:
            _await_ready(f"{url}/metrics", sum(len(server.streams) for server in servers))
            yield Daemon(process, stranger, f"{url}/metrics", work / "heard.jsonl")
        finally:
            for one in (process, stranger):
                one.kill()
                one.wait()


def _await_ready(url: str, cameras: int, patience_s: float = 60.0) -> None:
    deadline = time.monotonic() + patience_s
    while True:
        with contextlib.suppress(OSError):
            if Page.fetch(url).total("vigil_camera_up") == cameras:
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"not all of {cameras} cameras were up after {patience_s:g} s")
        time.sleep(0.2)
