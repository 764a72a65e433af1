"""Many stand-in cameras in servers that can be killed one by one, and a daemon that watches them all."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import av

from benchmarks.rig import CameraServer
from daemon.bench.footage import ANALYSED_FPS, Footage
from daemon.bench.rig import Plan, Seat, daemon_watching
from daemon.bench.scrape import Page
from daemon.bench.watch import seats
from daemon.demo.child import Child

BRIEF_S = 30.0
"""Seconds of the loop that the cameras show: short, so that its looks are coded in a minute."""
_TICK_S = 0.25
"""Asking for the page of metrics more often would slow down what is measured."""
_UDP_EVERY = 4
"""One camera in so many sends by UDP."""


@dataclass(frozen=True, slots=True)
class Field:
    """A running daemon and the servers of its cameras."""

    daemon: Child
    metrics: str
    servers: Sequence[CameraServer]

    @property
    def names(self) -> list[str]:
        """The cameras."""
        return [name for server in self.servers for name in server.streams]

    def page(self) -> Page:
        """Scrape the daemon's metrics. Raises `ChildFailed` when it has ended."""
        self.daemon.require_alive()
        return Page.fetch(self.metrics)

    def analysed(self) -> dict[str, float]:
        """Frames analysed so far, by camera."""
        return self.page().by("camera", "vigil_frames_analysed_total")

    def server_of(self, name: str) -> CameraServer:
        """The server of a camera."""
        return next(server for server in self.servers if name in server.streams)


def returns(field: Field, names: Sequence[str], patience_s: float = 15.0) -> dict[str, float]:
    """Seconds until each camera is analysed again, from now; missing: not within `patience_s`."""
    before, began = field.analysed(), time.monotonic()
    back: dict[str, float] = {}
    while len(back) < len(names) and time.monotonic() - began < patience_s:
        time.sleep(_TICK_S)
        now = field.analysed()
        came = [name for name in names if name not in back and now[name] > before[name]]
        back |= dict.fromkeys(came, round(time.monotonic() - began, 2))
    return back


def places(footage: Footage, cameras: int) -> dict[str, Seat]:
    """Cameras of two views that show the first seconds of their clips; some send by UDP."""
    made = seats(footage, cameras, views=2)
    return {
        name: replace(seat, clip=brief(seat.clip), transport="udp" if number % _UDP_EVERY == _UDP_EVERY - 1 else "tcp")
        for number, (name, seat) in enumerate(made.items())
    }


def brief(clip: Path, seconds: float = BRIEF_S) -> Path:
    """The beginning of a clip as a clip of its own, beside it; nothing is coded anew."""
    path = clip.with_name(f"{clip.stem}-{seconds:g}s.mp4")
    if path.exists():
        return path
    unfinished = path.with_name(f".{path.name}")
    with av.open(str(clip)) as source, av.open(str(unfinished), "w", format="mp4") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.pts is None or packet.time_base is None or packet.pts * packet.time_base >= seconds:
                break
            packet.stream = stream
            target.mux(packet)
    unfinished.replace(path)
    return path


@contextlib.contextmanager
def watching(
    folder: Path,
    shown: Mapping[str, Seat],
    groups: Sequence[Sequence[str]],
    extra: str = "",
    fps: float = ANALYSED_FPS,
) -> Iterator[Field]:
    """Serve each group of cameras by a process of its own and watch them all; entered when every camera is up.

    Raises:
        ChildFailed: The daemon ended, or not all cameras were up in time.
    """
    servers = [CameraServer({name: shown[name].clip for name in group}) for group in groups]
    try:
        for server in servers:
            server.start()
        urls = {name: server.url(name) for server in servers for name in server.streams}
        with daemon_watching(folder, Plan(seats=shown, fps=fps, extra=extra), urls) as (daemon, metrics):
            yield Field(daemon, metrics, servers)
    finally:
        for server in servers:
            server.kill()
