"""Settings -> who may connect: the keys of the ZeroMQ sockets, and whether an address is open to all unawares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from daemon.errors import SettingsError
from daemon.secrets import secret_path
from pipelines.errors import KeysError
from pipelines.guard.exposure import is_exposed
from pipelines.guard.keyfiles import KeyPair, read_pair
from pipelines.publish import PublishSettings
from pipelines.redact import shown
from pipelines.replay import ReplaySettings

SERVER_FILE = "server.key_secret"
"""In the folder of keys: the daemon's own."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """The daemon's own pair, and the folder of those who may connect."""

    pair: KeyPair
    folder: Path


def read_keyring(base: Path, settings: PublishSettings, file: str, environ: Mapping[str, str]) -> Keyring | None:
    """None when no folder of keys is set. Paths are relative to `base`. Raises `SettingsError`, naming `file`."""
    where = f"{file}: publish.keys"
    if settings.keys is None:
        if settings.server_key is not None:
            raise SettingsError(f"{where}: expected the folder of allowed keys beside publish.server_key, got none")
        return None
    folder = base / settings.keys
    own = folder / SERVER_FILE
    if settings.server_key is not None:
        where = f"{file}: publish.server_key"
        own = secret_path(base, settings.server_key, where, environ)
    try:
        return Keyring(read_pair(own), folder)
    except KeysError as error:
        raise SettingsError(f"{where}: {error}; vigil keys new NAME makes one") from None


def reject_exposed(settings: PublishSettings, replay: ReplaySettings, file: str) -> None:
    """Raises `SettingsError` for an address that others reach without a key, unless the settings say so in words."""
    if settings.keys is not None or settings.open_to_all:
        return
    for key, endpoint in (("publish.endpoint", settings.endpoint), ("replay.endpoint", replay.endpoint)):
        if is_exposed(endpoint):
            raise SettingsError(
                f"{file}: {key}: {shown(endpoint)} can be reached from other machines, and whoever does so would "
                "see every alert; set publish.keys (made by vigil keys new), or publish.open_to_all = true"
            )
