"""Stand-in RTSP cameras and a daemon that watches them, each a process of its own."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from daemon.bench.footage import ANALYSED_FPS
from daemon.bench.scrape import Page
from daemon.demo.child import Child, free_port

_PATIENCE_S = 120.0
_ALARMED = "\nthreshold = 0.01\nevents = { update_s = 1, update_growth = 1 }"


@dataclass(frozen=True, slots=True)
class Seat:
    """A camera: what it shows and what it is judged by."""

    clip: Path
    profile: Path
    alarmed: bool = False
    """Whether nearly everything exceeds its threshold: it raises an alert every second."""
    transport: str = "tcp"
    """How RTSP carries the video: tcp or udp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Cameras by name, and how they are watched."""

    seats: Mapping[str, Seat]
    fps: float = ANALYSED_FPS
    extra: str = ""
    """More of the settings file, before the cameras."""


@dataclass(frozen=True, slots=True)
class Site:
    """A running daemon with its cameras."""

    daemon: Child
    cameras: Child
    metrics: str
    urls: tuple[str, ...]

    def page(self) -> Page:
        """Scrape the daemon's metrics. Raises `ChildFailed` when a process has ended."""
        for child in (self.daemon, self.cameras):
            child.require_alive()
        return Page.fetch(self.metrics)


@contextlib.contextmanager
def cameras_serving(folder: Path, seats: Mapping[str, Seat]) -> Iterator[tuple[Child, dict[str, str]]]:
    """Serve every camera until the block is left; gives the server and the URLs by name.

    Raises:
        ChildFailed: The camera server did not come up.
    """
    port = free_port(0)
    clips = [f"{name}={seat.clip}" for name, seat in seats.items()]
    arguments = ["pipelines.simulation.rtsp", "--port", str(port), *clips]
    with Child("the camera server", arguments, folder / "cameras.log") as server:
        server.await_line(_PATIENCE_S)
        yield server, {name: f"rtsp://127.0.0.1:{port}/{name}" for name in seats}


@contextlib.contextmanager
def watching(folder: Path, plan: Plan) -> Iterator[Site]:
    """Serve the cameras and run the daemon; entered when every camera is up.

    Raises:
        ChildFailed: A process ended, or not all cameras were up in time.
    """
    with (
        cameras_serving(folder, plan.seats) as (server, urls),
        daemon_watching(folder, plan, urls) as (daemon, metrics),
    ):
        yield Site(daemon, server, metrics, tuple(urls.values()))


_KEEPING = '[journal]\nfolder = "journal"\n[replay]\nenabled = false'
"""The daemon's own journal, beside its settings: another daemon of this user is not disturbed."""


@contextlib.contextmanager
def daemon_watching(folder: Path, plan: Plan, urls: Mapping[str, str]) -> Iterator[tuple[Child, str]]:
    """Run the daemon on cameras that are served; entered when every one is up. Gives it and the URL of its metrics.

    Raises:
        ChildFailed: It ended, or not all cameras were up in time, or it did not stop when asked.
    """
    ports = free_port(0), free_port(0)
    config = folder / "vigil.toml"
    config.write_text(_settings(folder, plan, urls, ports))
    metrics = f"http://127.0.0.1:{ports[1]}/metrics"
    with Child("the daemon", ["daemon", "run", "--config", config], folder / "daemon.log") as daemon:
        daemon.await_that(lambda: _all_up(metrics, len(plan.seats)), _PATIENCE_S)
        yield daemon, metrics
        daemon.stop(20.0)


def _settings(folder: Path, plan: Plan, urls: Mapping[str, str], ports: tuple[int, int]) -> str:
    """The settings file. Every camera has a profile of its own, as in life: none shares the memory of another."""
    own = folder / "profiles"
    own.mkdir(exist_ok=True)
    lines = [f'[publish]\nendpoint = "tcp://127.0.0.1:{ports[0]}"', f"[http]\nport = {ports[1]}", _KEEPING, plan.extra]
    for name, seat in plan.seats.items():
        link = own / f"{name}.vigil"
        link.unlink(missing_ok=True)
        link.symlink_to(seat.profile.resolve())
        lines.append(
            f'[[cameras]]\nname = "{name}"\nsource = "{urls[name]}"\nprofile = "profiles/{name}.vigil"\n'
            f'fps = {plan.fps:g}\ntransport = "{seat.transport}"' + (_ALARMED if seat.alarmed else "")
        )
    return "\n".join(lines) + "\n"


def _all_up(metrics: str, cameras: int) -> bool:
    with contextlib.suppress(OSError):
        if Page.fetch(metrics).total("vigil_camera_up") == cameras:
            return True
    time.sleep(0.2)
    return False
