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
from daemon.config import Camera, Config, Settings
from daemon.probes import Http
from daemon.process import Assembly, Pulse
from daemon.supervisor import Backoff, Post
from daemon.version import installed_version
from engines.detector import Detector
from engines.profile import Profile
from engines.runtime.select import select_engine
from pipelines.batcher import Batcher
from pipelines.capture import Capture
from pipelines.infer import Infer, Judge
from pipelines.mailbox import Mailbox
from pipelines.metrics import CameraMetrics, Metrics, process_metrics
from pipelines.publish import PublishedCamera, Publisher
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.sources.source import Source
from pipelines.stage import Stage
from pipelines.types import CameraStatus

_log = logging.getLogger("vigil.build")


@dataclass(frozen=True, slots=True)
class _Judged:
    """A camera, the profile that judges it, and its metrics."""

    camera: Camera
    profile: Profile
    profile_id: str
    metrics: CameraMetrics
    mailbox: Mailbox


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
    filled = threading.Condition()
    judged = _load(config, metrics, filled)
    metrics.queue_depth.labels("mailboxes").set_function(lambda: _waiting(judged.values()))
    board, publisher = Board(), _publisher(settings, judged, metrics)
    infer = _infer(settings, judged, filled, publisher, metrics)

    def told(status: CameraStatus) -> None:
        board.report(status)
        publisher.report(status)

    posts = [Post(stage.name, _once(stage)) for stage in (publisher, infer)]
    if settings.http.enabled:
        http = Http(settings.http, registry, lambda: pulse.live, lambda: pulse.ready)
        posts.insert(0, Post(http.name, _once(http)))
    captures = [_capture(each, told) for each in judged.values()]
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


def _load(config: Config, metrics: Metrics, filled: threading.Condition) -> dict[str, _Judged]:
    """Each camera with its profile; one that several share is read once."""
    loaded: dict[Path, tuple[Profile, str]] = {}
    judged: dict[str, _Judged] = {}
    for camera in config.cameras:
        if camera.profile not in loaded:
            profile = Profile.load(camera.profile)
            loaded[camera.profile] = (profile, profile.id)
        profile, profile_id = loaded[camera.profile]
        if camera.threshold is not None:
            profile = dataclasses.replace(profile, threshold=camera.threshold)
        series = metrics.camera(camera.name)
        series.describe_profile(profile_id)
        series.threshold.set(profile.threshold)
        judged[camera.name] = _Judged(camera, profile, profile_id, series, Mailbox(camera.name, filled))
    return judged


def _waiting(judged: Iterable[_Judged]) -> int:
    return sum(each.mailbox.peek_captured_ns() is not None for each in judged)


def _publisher(settings: Settings, judged: Mapping[str, _Judged], metrics: Metrics) -> Publisher:
    cameras = [
        PublishedCamera(
            name=each.camera.name,
            events=each.camera.events,
            model_id=each.profile.network.id,
            profile_id=each.profile_id,
            metrics=each.metrics,
        )
        for each in judged.values()
    ]
    return Publisher(settings.publish, metrics, cameras)


def _infer(
    settings: Settings,
    judged: Mapping[str, _Judged],
    filled: threading.Condition,
    publisher: Publisher,
    metrics: Metrics,
) -> Infer:
    series = {name: each.metrics for name, each in judged.items()}
    batcher = Batcher((each.mailbox for each in judged.values()), filled, settings.batch, series)
    gap_s = max(2.0, 3 / min(each.camera.fps for each in judged.values()))
    return Infer(batcher, _judges(settings, judged), publisher.offer, metrics, series, gap_s=gap_s)


def _judges(settings: Settings, judged: Mapping[str, _Judged]) -> dict[str, Judge]:
    """One compiled engine for each distinct network, which is normally one for all cameras."""
    by_network: dict[str, dict[str, Profile]] = {}
    for name, each in judged.items():
        by_network.setdefault(each.profile.network.id, {})[name] = each.profile
    judges: dict[str, Judge] = {}
    for profiles in by_network.values():
        engine = select_engine(next(iter(profiles.values())).network, settings.engine)
        judge = Judge(engine, Detector(engine, profiles))
        judges.update(dict.fromkeys(profiles, judge))
    if len(by_network) > 1:
        _log.warning(
            "%d different networks run side by side; enrol all cameras with one to save memory", len(by_network)
        )
    return judges


def _capture(judged: _Judged, told: Callable[[CameraStatus], None]) -> Post:
    camera, metrics = judged.camera, judged.metrics
    settings = SourceSettings(fps=camera.fps, transport=camera.transport, paced=camera.paced)

    def open_() -> Source:
        return open_source(camera.source, settings, judged.profile.network.spec.input_size)

    def make(stop: threading.Event) -> Stage:
        return Capture(camera.name, open_, judged.mailbox, metrics, told, stop=stop)

    def died(error: BaseException) -> None:
        metrics.up.set(0)
        metrics.restarts.inc()
        told(_lost(camera.name, f"its capture failed unexpectedly ({type(error).__name__}); starting it again"))

    return Post(f"capture-{camera.name}", make, restart=Backoff(), on_death=died)


def _lost(camera: str, reason: str) -> CameraStatus:
    return CameraStatus(
        camera=camera,
        state="lost",
        reason=reason,
        since_wall_s=time.time(),
        last_frame_wall_s=None,
        reconnects=0,
        score=None,
        threshold=None,
    )
