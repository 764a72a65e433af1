"""Settings -> the stages of a daemon: the only file that names concrete classes of all rooms."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
from prometheus_client import CollectorRegistry

from daemon.board import Board
from daemon.config import Camera, Config, Settings, engine_settings
from daemon.probes import Http
from daemon.process import Assembly, Pulse
from daemon.supervisor import Backoff, Post
from daemon.version import installed_version
from engines.detector import Detector
from engines.network.files import Network
from engines.profile import Profile
from engines.runtime.gated import TRIAL_FRAMES
from engines.runtime.select import EngineSettings, select_engine
from pipelines.batcher import Batcher
from pipelines.capture import Capture
from pipelines.gate import Gate
from pipelines.infer import Infer, Judge
from pipelines.mailbox import Mailbox
from pipelines.metrics import CameraMetrics, Metrics, process_metrics
from pipelines.publish import PublishedCamera, Publisher
from pipelines.shedding import Door, Shedder
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.sources.source import Source
from pipelines.stage import Stage
from pipelines.types import CameraState, CameraStatus

_log = logging.getLogger("vigil.build")


@dataclass(frozen=True, slots=True)
class _Seat:
    """A camera's place in the daemon, without its profile: the detector keeps what it needs of that."""

    camera: Camera
    profile_id: str
    network_id: str
    input_size: tuple[int, int]
    metrics: CameraMetrics
    mailbox: Mailbox
    door: Door


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all cameras have in common."""

    metrics: Metrics
    filled: threading.Condition
    shedder: Shedder


def build(config: Config, registry: CollectorRegistry, pulse: Pulse) -> Assembly:
    """Make every stage; nothing is opened yet.

    Raises `ProfileError` for a profile that cannot be used and `EngineError` when no engine can be had.
    """
    # Decoding and inference have threads of their own; OpenCV's would only compete with them.
    cv2.setNumThreads(1)
    settings = config.settings
    metrics = Metrics(registry)
    process_metrics(registry)
    metrics.build.labels(installed_version()).set(1)
    shared = _Shared(metrics, threading.Condition(), Shedder(settings.shedding, metrics.load))
    profiles = _load(config)
    seats = {c.name: _seat(c, profiles[c.name], shared) for c in config.cameras}
    metrics.queue_depth.labels("mailboxes").set_function(lambda: _waiting(seats.values()))
    board, publisher = Board(), _publisher(settings, seats, metrics)
    judges = _judges(engine_settings(config), settings.batch.size, profiles, metrics)
    infer = _infer(settings, seats, judges, publisher, shared)

    def told(status: CameraStatus) -> None:
        board.report(status)
        publisher.report(status)

    posts = [Post(stage.name, _once(stage)) for stage in (publisher, infer)]
    if settings.http.enabled:
        http = Http(settings.http, registry, lambda: pulse.live, lambda: pulse.ready)
        posts.insert(0, Post(http.name, _once(http)))
    captures = [_capture(seat, board, told) for seat in seats.values()]
    return Assembly(
        posts=(*posts, *captures),
        captures=tuple(post.thread for post in captures),
        board=board,
        analysed_ns=lambda: infer.analysed_ns,
        stall_s=max(settings.watchdog.stall_s, 3 / min(camera.fps for camera in config.cameras)),
    )


def _once(stage: Stage) -> Callable[[threading.Event], Stage]:
    """A factory for a stage that is never made anew."""
    return lambda _stop: stage


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A profile with the id of its file, which an override does not change."""

    profile: Profile
    id: str


def _load(config: Config) -> dict[str, _Loaded]:
    """Each camera's profile. A file that several share is read once, and a network that several embed is kept once."""
    files: dict[Path, _Loaded] = {}
    networks: dict[str, Network] = {}
    loaded: dict[str, _Loaded] = {}
    for camera in config.cameras:
        if camera.profile not in files:
            profile = Profile.load(camera.profile)
            network = networks.setdefault(profile.network.id, profile.network)
            files[camera.profile] = _Loaded(dataclasses.replace(profile, network=network), profile.id)
        found = files[camera.profile]
        if camera.threshold is not None:
            found = _Loaded(dataclasses.replace(found.profile, threshold=camera.threshold), found.id)
        loaded[camera.name] = found
    return loaded


def _seat(camera: Camera, loaded: _Loaded, shared: _Shared) -> _Seat:
    series = shared.metrics.camera(camera.name)
    series.describe_profile(loaded.id)
    series.threshold.set(loaded.profile.threshold)
    network = loaded.profile.network
    return _Seat(
        camera,
        loaded.id,
        network.id,
        network.spec.input_size,
        series,
        Mailbox(camera.name, shared.filled),
        shared.shedder.door(series, camera.priority),
    )


def _waiting(seats: Iterable[_Seat]) -> int:
    return sum(seat.mailbox.peek_captured_ns() is not None for seat in seats)


def _publisher(settings: Settings, seats: Mapping[str, _Seat], metrics: Metrics) -> Publisher:
    cameras = [
        PublishedCamera(
            name=seat.camera.name,
            events=seat.camera.events,
            model_id=seat.network_id,
            profile_id=seat.profile_id,
            metrics=seat.metrics,
        )
        for seat in seats.values()
    ]
    return Publisher(settings.publish, metrics, cameras)


def _infer(
    settings: Settings,
    seats: Mapping[str, _Seat],
    judges: Mapping[str, Judge],
    publisher: Publisher,
    shared: _Shared,
) -> Infer:
    series = {name: seat.metrics for name, seat in seats.items()}
    batcher = Batcher((seat.mailbox for seat in seats.values()), shared.filled, settings.batch, series)
    gap_s = max(2.0, 3 / min(seat.camera.fps for seat in seats.values()))
    gates = {name: Gate(settings.gate) for name in seats} if settings.gate.enabled else {}
    return Infer(
        batcher,
        judges,
        publisher.offer,
        shared.metrics,
        series,
        gates=gates,
        worked=shared.shedder.worked,
        gap_s=gap_s,
    )


def _judges(settings: EngineSettings, most: int, loaded: Mapping[str, _Loaded], metrics: Metrics) -> dict[str, Judge]:
    """One engine for each distinct network, which is normally one for all cameras, and batches of up to `most`."""
    by_network: dict[str, dict[str, Profile]] = {}
    for name, each in loaded.items():
        by_network.setdefault(each.profile.network.id, {})[name] = each.profile
    judges: dict[str, Judge] = {}
    for profiles in by_network.values():
        network = next(iter(profiles.values())).network
        engine = select_engine(network, settings, most=most, frames=TRIAL_FRAMES, watcher=metrics)
        judges.update(dict.fromkeys(profiles, Judge(engine, Detector(engine, profiles))))
    if len(by_network) > 1:
        _log.warning(
            "%d different networks run side by side; enrol all cameras with one to save memory", len(by_network)
        )
    return judges


def _capture(seat: _Seat, board: Board, told: Callable[[CameraStatus], None]) -> Post:
    camera, metrics = seat.camera, seat.metrics
    settings = SourceSettings(fps=camera.fps, transport=camera.transport, paced=camera.paced)

    def open_() -> Source:
        return open_source(camera.source, settings, seat.input_size, seat.door.admits)

    def make(stop: threading.Event) -> Stage:
        return Capture(camera.name, open_, seat.mailbox, metrics, told, stop=stop)

    def change(state: CameraState, reason: str) -> None:
        """Say on the capture's behalf what it cannot say itself."""
        metrics.up.set(state == "live")
        known = board.status(camera.name) or _unknown(camera.name)
        told(dataclasses.replace(known, state=state, reason=reason, since_wall_s=time.time()))

    def died(error: BaseException) -> None:
        metrics.restarts.inc()
        change("lost", f"its capture failed unexpectedly ({type(error).__name__}); starting it again")

    def hang(hangs: bool) -> None:  # noqa: FBT001 - a callback
        if hangs:
            change("lost", "its capture hangs in the decoder; only a restart of Vigil ends that")
        else:
            change("live", "")

    return Post(f"capture-{camera.name}", make, restart=Backoff(), on_death=died, on_hang=hang)


def _unknown(camera: str) -> CameraStatus:
    return CameraStatus(
        camera=camera,
        state="starting",
        reason="",
        since_wall_s=time.time(),
        last_frame_wall_s=None,
        reconnects=0,
        score=None,
        threshold=None,
    )
