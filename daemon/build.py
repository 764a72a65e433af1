"""Settings -> the stages of a daemon. It and what it calls in `daemon` alone name concrete classes of all rooms."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from functools import partial

import cv2
from prometheus_client import CollectorRegistry

from daemon.arenas import give_back
from daemon.board import Board
from daemon.chambers import Apart, Chamber, Here, processes_of, share_of
from daemon.config import Camera, Config, Settings, engine_settings, journal_folder
from daemon.fleet import Fleet, Lane, Shared
from daemon.helpers import Helper, end_all
from daemon.probes import Http
from daemon.process import Assembly
from daemon.profiles import ProfileShelf
from daemon.pulse import Pulse
from daemon.reading import Reading
from daemon.reload import SettingsReader
from daemon.reloading import Reloads
from daemon.rulings import Court, Ruling
from daemon.supervisor import Backoff, Post
from daemon.version import installed_version
from engines.runtime.select import judges_of
from pipelines.batcher import Batcher
from pipelines.guard.allowlist import AllowList
from pipelines.guard.guard import Guard
from pipelines.guard.lobby import Bounds
from pipelines.infer import Infer
from pipelines.journal.journal import Journal
from pipelines.journal.news import Archive
from pipelines.metrics import Metrics, process_metrics
from pipelines.outlet import LISTENER
from pipelines.publish import Publisher
from pipelines.replay import LISTENER as REPLAY
from pipelines.replay import REQUESTS, Replay
from pipelines.roster import Roster
from pipelines.shedding import Highest, Shedder, Shown
from pipelines.stage import Stage


def build(config: Config, registry: CollectorRegistry, pulse: Pulse) -> Assembly:
    """Make every stage; nothing is opened yet.

    Raises `ProfileError` for a profile that cannot be used and `EngineError` when no engine can be had.
    """
    helpers = _judges(config)
    try:
        assembly = _assemble(config, registry, pulse, helpers)
    except BaseException:
        end_all(helpers, 1.0)
        raise
    give_back()  # profiles were read, and those of judges in other processes are not needed here any more
    return assembly


def _assemble(config: Config, registry: CollectorRegistry, pulse: Pulse, helpers: Sequence[Helper]) -> Assembly:
    # Decoding and inference have threads of their own; OpenCV's would only compete with them.
    cv2.setNumThreads(1)
    settings = config.settings
    metrics = Metrics(registry)
    process_metrics(registry)
    metrics.build.labels(installed_version()).set(1)
    metrics.amiss.set_function(lambda: len(pulse.whole().reasons))
    chambers = _chambers(config, metrics, helpers)
    court = Court(chambers, settings.batch.size)
    rulings = _rulings(config.cameras, court)
    guard = _guard(config, metrics)
    boot_id = uuid.uuid4().hex[:12]
    keeping, archive = _keeping(config, metrics, guard, boot_id)
    if archive is not None:
        pulse.watch("journal", lambda: archive.journal.condition.complaint)
    publisher = Publisher(settings.publish, metrics, boot_id=boot_id, context=guard, archive=archive)
    reading = Reading.of(settings.capture.read_in, config.cameras, settings.log)
    shared = _shared(settings, metrics, pulse, publisher, chambers, reading)
    seats = [lane for lane, chamber in zip(shared.lanes, chambers, strict=True) for _ in range(chamber.threads)]
    judges = [
        Infer(lane.batcher, shared.roster, publisher.offer, metrics, worked=lane.shedder.worked, number=number)
        for number, lane in enumerate(seats)
    ]
    fleet = Fleet(shared)
    captures = fleet.take_in((camera, rulings[camera.name]) for camera in config.cameras)
    reader = SettingsReader(config, rulings, court, settings.reload)
    needed: list[Stage] = [guard, publisher, *judges]
    posts = [Post(stage.name, _once(stage)) for stage in needed]
    posts[1:1] = keeping
    if settings.http.enabled:
        http = Http(
            settings.http,
            registry,
            lambda: pulse.live,
            lambda: pulse.ready,
            pulse.whole,
            files=config.http_files,
            metrics=metrics,
        )
        posts.insert(0, Post(http.name, _once(http)))
    return Assembly(
        posts=(*posts, Post(reader.name, _once(reader), restart=Backoff()), *captures),
        captures=lambda: fleet.captures,
        board=shared.board,
        analysed_ns=lambda: shared.roster.analysed_ns,
        stall_s=fleet.stall_s(settings.watchdog.stall_s),
        reloading=Reloads(config, reader, fleet, metrics, pulse),
        helpers=(*helpers, *reading.helpers),
    )


def _once(stage: Stage) -> Callable[[threading.Event], Stage]:
    """A factory for a stage that is never made anew, or that may be opened again."""
    return lambda _stop: stage


def _rulings(cameras: Sequence[Camera], court: Court) -> dict[str, Ruling]:
    shelf = ProfileShelf()
    rulings = {camera.name: court.rule(camera, shelf.take(camera.profile)) for camera in cameras}
    court.keep({name: ruling.network_id for name, ruling in rulings.items()})
    return rulings


def _guard(config: Config, metrics: Metrics) -> Guard:
    """Who minds the sockets that listen; without keys it lets all in, and only bounds what they do."""
    keyring = config.keyring
    connections = config.settings.publish.connections
    bounds = {LISTENER: Bounds(connections=connections), REPLAY: Bounds(connections=connections, requests=REQUESTS)}
    if keyring is None:
        return Guard(metrics, bounds)
    return Guard(metrics, bounds, keyring.pair, AllowList(keyring.folder))


def _keeping(config: Config, metrics: Metrics, guard: Guard, boot_id: str) -> tuple[list[Post], Archive | None]:
    """The journal and the replay from it. Alerts go out without them, so neither may end the process."""
    settings = config.settings
    if not settings.journal.enabled:
        return [], None
    folder = journal_folder(config.file, settings.journal)
    journal = Journal(settings.journal, folder, metrics, boot_id=boot_id)
    posts = [Post(journal.name, _once(journal), restart=Backoff())]
    if not settings.replay.enabled:
        return posts, Archive(journal)
    replay = Replay(settings.replay, folder, metrics.replay, context=guard)
    return [*posts, Post(replay.name, _once(replay), restart=Backoff())], Archive(journal, lambda: replay.endpoint)


def _judges(config: Config) -> list[Helper]:
    """The processes that judge, if processes do."""
    count = processes_of(engine_settings(config), len(config.cameras))
    return [Helper(f"judge-{number}", config.settings.log) for number in range(count)]


def _chambers(config: Config, metrics: Metrics, helpers: Sequence[Helper]) -> list[Chamber]:
    settings = engine_settings(config)
    if not helpers:
        return [Here(settings, judges_of(settings), metrics)]
    share = share_of(settings, len(helpers))
    return [Apart(partial(helper.connect, "judge", helper.name), share, metrics) for helper in helpers]


def _shared(
    settings: Settings,
    metrics: Metrics,
    pulse: Pulse,
    publisher: Publisher,
    chambers: Sequence[Chamber],
    reading: Reading,
) -> Shared:
    load, judges = Highest(metrics.load), sum(chamber.threads for chamber in chambers)
    lanes = [_lane(settings, chamber, judges, load.one()) for chamber in chambers]
    return Shared(
        metrics,
        lanes,
        Board(),
        publisher,
        Roster(metrics),
        settings.gate,
        settings.capture,
        reading,
        pulse,
        settings.reload.shadow_frames,
    )


def _lane(settings: Settings, chamber: Chamber, judges: int, load: Shown) -> Lane:
    filled = threading.Condition()
    return Lane(
        filled,
        Batcher((), filled, settings.batch, {}, threads=judges),
        Shedder(settings.shedding, load, judges=chamber.threads),
    )
