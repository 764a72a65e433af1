"""Reads the settings anew, when asked to or when a file has changed: a stage of its own, since files can be slow."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from daemon.changes import Change, Changes, changes
from daemon.config import Camera, Config, load_config
from daemon.profiles import ProfileShelf
from daemon.rulings import Court, Ruling
from daemon.settling import ReloadSettings, Settling, signature
from engines.errors import VigilError

_LOOK_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class Proposal:
    """Settings that were read and can be applied: profiles are loaded, engines chosen."""

    config: Config
    changes: Changes
    rulings: Mapping[str, Ruling]
    """For each camera that is new or has another profile."""
    asked: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """Settings that cannot be applied, and why, in one line."""

    reason: str
    asked: bool


class SettingsReader:
    """A stage that reads the settings and leaves what comes of it in `outbox`. Only `ask` is for other threads."""

    name = "reload"

    def __init__(
        self,
        config: Config,
        rulings: Mapping[str, Ruling],
        court: Court,
        settings: ReloadSettings,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Go on from `config` and the `rulings` of all its cameras, which run."""
        self.outbox: queue.SimpleQueue[Proposal | Refusal] = queue.SimpleQueue()
        self._config = config
        self._ids = {name: ruling.profile_id for name, ruling in rulings.items()}
        self._networks = {name: ruling.network_id for name, ruling in rulings.items()}
        self._court = court
        self._watches = settings.watch
        self._environ = environ
        self._asked = threading.Event()
        self._settling = Settling(settings.settle_s)
        self._settling.take(_files(config, environ))
        self._known = {camera.profile: (signature(camera.profile), self._ids[camera.name]) for camera in config.cameras}

    def ask(self) -> None:
        """Have the settings read, changed or not; returns at once."""
        self._asked.set()

    def open(self) -> None:
        """Nothing is held open."""

    def step(self) -> bool:
        """Wait a moment to be asked; read if so, or if a file has changed."""
        asked = self._asked.wait(_LOOK_EVERY_S)
        self._asked.clear()
        if asked or (self._watches and self._settling.changed()):
            self.outbox.put(self._read(asked=asked))
        return True

    def close(self) -> None:
        """Nothing is held open."""

    def _read(self, *, asked: bool) -> Proposal | Refusal:
        self._settling.take(_files(self._config, self._environ))
        try:
            config = load_config(self._config.file, self._environ)
            self._settling.watch(_files(config, self._environ))
            return self._propose(config, asked=asked)
        except VigilError as error:
            return Refusal(str(error), asked)
        except OSError as error:  # a file that goes while it is looked at
            return Refusal(f"{self._config.file}: {error.strerror or error}", asked)

    def _propose(self, config: Config, *, asked: bool) -> Proposal:
        shelf = ProfileShelf()
        ids = {camera.name: self._id(camera.profile, shelf) for camera in config.cameras}
        wanted = [camera for camera in config.cameras if self._ids.get(camera.name) != ids[camera.name]]
        rulings = {camera.name: self._court.rule(camera, shelf.take(camera.profile)) for camera in wanted}
        found = _with_profiles(changes(self._config.cameras, config.cameras), wanted)
        networks = {**self._networks, **{name: ruling.network_id for name, ruling in rulings.items()}}
        self._config, self._ids, self._networks = config, ids, {name: networks[name] for name in ids}
        self._court.keep(self._networks)
        return Proposal(config, found, rulings, asked)

    def _id(self, path: Path, shelf: ProfileShelf) -> str:
        """The id of a profile file, which is read only if it is not the one that is known."""
        now = signature(path)
        known = self._known.get(path)
        if known is None or known[0] != now:
            self._known[path] = known = (now, shelf.take(path).id)
        return known[1]


def _with_profiles(found: Changes, wanted: list[Camera]) -> Changes:
    """Add the cameras whose profile is another one though its path is the same."""
    told = {change.camera.name: change for change in found.changed}
    added = {camera.name for camera in found.added}
    for camera in wanted:
        change = told.get(camera.name, Change(camera, ()))
        if camera.name not in added and "profile" not in change.keys:
            told[camera.name] = Change(camera, (*change.keys, "profile"))
    return Changes(found.added, found.removed, tuple(told.values()))


def _files(config: Config, environ: Mapping[str, str]) -> list[Path]:
    """What the settings were read from."""
    start = "$CREDENTIALS_DIRECTORY"
    sources = [camera.source_file for camera in config.settings.cameras if camera.source_file]
    named = [written.replace(start, environ.get(start[1:], start), 1) for written in sources]
    return [
        config.file,
        *(config.file.parent / name for name in named),
        *(camera.profile for camera in config.cameras),
    ]
