"""The stand-in cameras and the daemon that watches them, each a process of its own."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from daemon.demo.child import Child, free_port
from daemon.demo.folder import Folder
from daemon.demo.programme import Programme
from daemon.errors import StageDied

_PATIENCE_S = 90.0
"""A slow machine compiles the network for a while."""
_FETCH_S = 3.0


class Playing(msgspec.Struct, frozen=True):
    """How the camera server announces one camera."""

    url: str
    began_wall_s: float
    duration_s: float


class _Announcement(msgspec.Struct, frozen=True):
    streams: dict[str, Playing]


@dataclass(frozen=True, slots=True)
class Ports:
    """Loopback ports: those of the documentation where they are free."""

    rtsp: int
    alerts: int
    http: int

    @classmethod
    def pick(cls) -> Ports:
        """Find three free ones."""
        return cls(free_port(8554), free_port(5557), free_port(9464))

    @property
    def endpoint(self) -> str:
        """Where alerts are published."""
        return f"tcp://127.0.0.1:{self.alerts}"

    @property
    def metrics(self) -> str:
        """Where the metrics are."""
        return f"http://127.0.0.1:{self.http}/metrics"


def settings_text(programme: Programme, folder: Folder, ports: Ports) -> str:
    """The daemon's settings file; its paths are relative to it."""
    cameras = [
        f'[[cameras]]\nname = "{camera.name}"\nsource = "rtsp://127.0.0.1:{ports.rtsp}/{camera.name}"\n'
        f'profile = "{folder.profile(camera.name).relative_to(folder.root)}"\nfps = {programme.analysed_fps:g}'
        for camera in programme.cameras
    ]
    parts = [
        "# Written by `vigil demo`. Every key, with its default, stands in systemd/vigil.toml.",
        f'[publish]\nendpoint = "{ports.endpoint}"\njpeg_quality = 92',
        '[journal]\nfolder = "journal"\n\n[replay]\nenabled = false',
        f"[http]\nport = {ports.http}",
        *cameras,
    ]
    return "\n\n".join(parts) + "\n"


@contextmanager
def daemon_running(folder: Folder, ports: Ports) -> Iterator[Child]:
    """Run `vigil run` on the folder's settings file until the block is left; entered once it is ready.

    Raises:
        ChildFailed: It did not get ready.
    """
    arguments = ["daemon", "run", "--config", str(folder.settings)]
    with Child("the daemon", arguments, folder.log("daemon")) as child:
        child.await_that(lambda: _is_well(f"http://127.0.0.1:{ports.http}/health/ready"), _PATIENCE_S)
        yield child


@contextmanager
def cameras_playing(
    programme: Programme, folder: Folder, ports: Ports
) -> Iterator[tuple[Child, Mapping[str, Playing]]]:
    """Play every camera's clip from its start until the block is left.

    Raises:
        ChildFailed: The camera server did not come up.
    """
    clips = [f"{camera.name}={folder.watched(camera.name)}" for camera in programme.cameras]
    arguments = ["pipelines.simulation.rtsp", "--port", str(ports.rtsp), *clips]
    with Child("the camera server", arguments, folder.log("cameras")) as child:
        yield child, msgspec.json.decode(child.await_line(_PATIENCE_S), type=_Announcement).streams


@dataclass(frozen=True, slots=True)
class Counts:
    """Frames of one camera, as the daemon counted them."""

    received: int
    analysed: int
    sampled_out: int
    dropped: int


def count_frames(ports: Ports, cameras: list[str]) -> dict[str, Counts]:
    """Read the metrics page.

    Raises:
        StageDied: It cannot be read.
    """
    try:
        with urllib.request.urlopen(ports.metrics, timeout=_FETCH_S) as reply:  # noqa: S310 - a loopback address
            page = reply.read().decode()
    except OSError as error:
        raise StageDied(f"{ports.metrics} cannot be read: {error}") from error
    samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]

    def total(name: str, camera: str) -> int:
        wanted = f"vigil_frames_{name}_total"
        return int(sum(s.value for s in samples if s.name == wanted and s.labels["camera"] == camera))

    return {
        c: Counts(total("received", c), total("analysed", c), total("sampled_out", c), total("dropped", c))
        for c in cameras
    }


def _is_well(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=_FETCH_S) as reply:  # noqa: S310 - a loopback address
            return int(reply.status) == 200
    except (OSError, urllib.error.URLError):
        return False
