"""``vigil.toml`` -> frozen settings, composed from those of each room. Reads files; changes nothing."""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from daemon.errors import SettingsError
from daemon.guarding import Keyring, read_keyring, reject_exposed
from daemon.logs import LogSettings
from daemon.secrets import first_line, secret_path
from daemon.settling import ReloadSettings
from daemon.strict import convert, one_line, show
from daemon.web.settings import HttpFiles, HttpSettings, find_files
from engines.quoting import shortened
from engines.runtime.select import EngineSettings
from pipelines.batcher import BatchSettings
from pipelines.capture import CaptureSettings
from pipelines.errors import SourceError
from pipelines.events import EventSettings
from pipelines.gate import GateSettings
from pipelines.health.settings import HealthSettings
from pipelines.journal.settings import JournalSettings, default_folder
from pipelines.publish import PublishSettings
from pipelines.redact import redact
from pipelines.replay import ReplaySettings
from pipelines.shedding import Priority, SheddingSettings
from pipelines.sources.spec import SourceSpec, parse_source
from pipelines.zones import MaskSettings, ZoneSettings, flaw_in

CameraName = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z",
        description="1 to 64 letters, digits, - or _, the first a letter or digit",
    ),
]


class WatchdogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When the daemon takes itself for wedged and leaves, so that its service manager starts it again."""

    stall_s: Annotated[float, msgspec.Meta(ge=2, le=3600)] = 20.0
    """Seconds without a frame analysed although cameras deliver, or without a step of a thread that it needs."""


class CameraSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One ``[[cameras]]`` table as it is written."""

    name: CameraName
    source: str | None = None
    """A URL, file, folder or device; a path is relative to the settings file."""
    source_file: str | None = None
    """Instead of `source`: a file that holds it, for URLs with a password. ``$CREDENTIALS_DIRECTORY/NAME`` reads a
    systemd credential."""
    profile: str
    """What `vigil enrol` made; relative to the settings file."""
    fps: Annotated[float, msgspec.Meta(ge=0.5, le=60)] = 5.0
    """Frames analysed a second; the rest is left out before any pixel is converted."""
    priority: Priority = 1
    """What is shed when the engine is short of time: of two cameras, the one of twice the priority keeps twice the
    share of its frames, up to all of them."""
    transport: Literal["tcp", "udp"] = "tcp"
    """How RTSP carries the video."""
    paced: bool = True
    """Play a file in real time rather than as fast as it decodes."""
    threshold: Annotated[float, msgspec.Meta(gt=0, le=1000)] | None = None
    """Score from which a frame is flagged, in place of the profile's own."""
    events: EventSettings | None = None
    """Keys that differ from ``[events]`` for this camera."""
    health: HealthSettings | None = None
    """Keys that differ from ``[health]`` for this camera."""
    zones: tuple[ZoneSettings, ...] = ()
    """``[[cameras.zones]]``: parts of the picture with a name and a weight."""
    masks: tuple[MaskSettings, ...] = ()
    """``[[cameras.masks]]``: parts of the picture that nobody is shown."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file as it is written."""

    engine: EngineSettings = EngineSettings()
    capture: CaptureSettings = CaptureSettings()
    gate: GateSettings = GateSettings()
    shedding: SheddingSettings = SheddingSettings()
    batch: BatchSettings = BatchSettings()
    publish: PublishSettings = PublishSettings()
    journal: JournalSettings = JournalSettings()
    replay: ReplaySettings = ReplaySettings()
    events: EventSettings = EventSettings()
    health: HealthSettings = HealthSettings()
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()
    watchdog: WatchdogSettings = WatchdogSettings()
    reload: ReloadSettings = ReloadSettings()
    cameras: Annotated[tuple[CameraSettings, ...], msgspec.Meta(min_length=1)]


class Camera(msgspec.Struct, frozen=True, kw_only=True):
    """A camera with its paths and overrides worked out."""

    name: str
    source: SourceSpec
    profile: Path
    fps: float
    priority: int
    transport: Literal["tcp", "udp"]
    paced: bool
    threshold: float | None
    events: EventSettings
    health: HealthSettings
    zones: tuple[ZoneSettings, ...] = ()
    masks: tuple[MaskSettings, ...] = ()


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """What a settings file says."""

    file: Path
    settings: Settings
    cameras: tuple[Camera, ...]
    keyring: Keyring | None = None
    """Without one, whoever reaches the sockets may connect."""
    http_files: HttpFiles = HttpFiles()


def load_config(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read a settings file.

    Raises `SettingsError`: one line with the file, the key and what was expected there, free of secrets.
    """
    data = _parse(path)
    try:
        settings = _settings(data, path.name)
        reject_exposed(settings.publish, settings.replay, path.name)
        http_files = find_files(settings.http, path.parent, path.name, environ)
        keyring = read_keyring(path.parent, settings.publish, path.name, environ)
        cameras = tuple(_camera(path, data, settings, index, environ) for index in range(len(settings.cameras)))
    except SettingsError as error:
        raise SettingsError(one_line(redact(str(error)))) from None
    return Config(file=path, settings=settings, cameras=cameras, keyring=keyring, http_files=http_files)


def load_settings(path: Path) -> Settings:
    """What a settings file says, without looking for the files that it names. Raises `SettingsError`."""
    try:
        return _settings(_parse(path), path.name)
    except SettingsError as error:
        raise SettingsError(one_line(redact(str(error)))) from None


def engine_settings(config: Config) -> EngineSettings:
    """The `[engine]` section with its folder worked out: a path is relative to the settings file."""
    settings = config.settings.engine
    if settings.cache in ("auto", "off"):
        return settings
    return msgspec.structs.replace(settings, cache=str(_folder(config.file, settings.cache, "engine.cache")))


def journal_folder(file: Path, settings: JournalSettings, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the journal of a settings file lies: a path is relative to the file."""
    if settings.folder == "auto":
        return default_folder(environ)
    return _folder(file, settings.folder, "journal.folder")


def load_journal_settings(path: Path) -> JournalSettings:
    """The table ``[journal]`` of a settings file, whatever the rest says. Raises `SettingsError`."""
    return convert(_parse(path).get("journal", {}), JournalSettings, f"{path.name}: journal")


def _folder(file: Path, written: str, key: str) -> Path:
    try:
        return file.parent / Path(written).expanduser()
    except RuntimeError:  # the home of nobody
        raise SettingsError(f"{file.name}: {key}: {show(written)} is in nobody's home") from None


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path.name}: is not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path.name}: is not TOML: {shortened(redact(str(error)))}") from error
    except (RecursionError, ValueError) as error:  # nested beyond reason; a date or number that Python cannot hold
        raise SettingsError(f"{path.name}: is not TOML that can be read: {type(error).__name__}") from error


def _settings(data: Mapping[str, Any], where: str) -> Settings:
    settings = convert(data, Settings, where)
    _reject_doubles(settings, where)
    for index, camera in enumerate(settings.cameras):
        if (flaw := flaw_in(camera.zones, camera.masks)) is not None:
            raise SettingsError(f"{where}: cameras[{index}].{flaw}")
    return settings


def _reject_doubles(settings: Settings, where: str) -> None:
    names = Counter(camera.name for camera in settings.cameras)
    for index, camera in enumerate(settings.cameras):
        if names[camera.name] > 1 and [c.name for c in settings.cameras].index(camera.name) != index:
            raise SettingsError(
                f'{where}: cameras[{index}].name: expected a name of its own, got "{camera.name}" a second time'
            )


def _camera(path: Path, data: Mapping[str, Any], settings: Settings, index: int, environ: Mapping[str, str]) -> Camera:
    written, key = settings.cameras[index], f"{path.name}: cameras[{index}]"
    profile = _profile(path.parent, written.profile, f"{key}.profile")
    events, health = ({**data.get(s, {}), **data["cameras"][index].get(s, {})} for s in ("events", "health"))
    return Camera(
        name=written.name,
        source=source_named(path, written, key, environ),
        profile=profile,
        fps=written.fps,
        priority=written.priority,
        transport=written.transport,
        paced=written.paced,
        threshold=written.threshold,
        events=convert(events, EventSettings, f"{key}.events"),
        health=convert(health, HealthSettings, f"{key}.health"),
        zones=written.zones,
        masks=written.masks,
    )


def _profile(base: Path, written: str, key: str) -> Path:
    try:
        profile = base / Path(written).expanduser()
        found = profile.is_file()
    except (OSError, RuntimeError):  # a name too long; the home of nobody
        found = False
    if not found:
        raise SettingsError(f"{key}: expected a profile made by vigil enrol, got {show(written)}, which is no file")
    return profile


def source_named(path: Path, written: CameraSettings, key: str, environ: Mapping[str, str]) -> SourceSpec:
    """What a camera's `source` or `source_file` names; `key` is the camera's. Raises `SettingsError`."""
    if (written.source is None) == (written.source_file is None):
        got = "neither" if written.source is None else "both"
        raise SettingsError(f"{key}.source: expected either source or source_file, got {got}")
    if written.source is not None:
        text, where = written.source, f"{key}.source"
    else:
        where = f"{key}.source_file"
        file = secret_path(path.parent, written.source_file or "", where, environ)
        text = first_line(file, where, "a source")
    if not text.isprintable():
        raise SettingsError(f"{where}: expected a URL, file, folder or device, got a text with control characters")
    try:
        return parse_source(text, path.parent)
    except (SourceError, OSError, RuntimeError) as error:  # a name too long; the home of nobody
        raise SettingsError(f"{where}: {error}") from None
