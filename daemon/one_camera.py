"""One camera's part of a settings file, for commands that need neither its profile nor the rest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from daemon.config import load_settings, source_named
from daemon.errors import SettingsError
from pipelines.sources.spec import SourceSpec
from pipelines.zones import MaskSettings, ZoneSettings


class OneCamera(msgspec.Struct, frozen=True, kw_only=True):
    """Where a camera's pictures come from, and what of them is shown and counts."""

    name: str
    source: SourceSpec
    transport: Literal["tcp", "udp"]
    zones: tuple[ZoneSettings, ...]
    masks: tuple[MaskSettings, ...]


def one_camera(path: Path, name: str, environ: Mapping[str, str] = os.environ) -> OneCamera:
    """Find a camera by its name; it may have been enrolled or not. Raises `SettingsError`."""
    settings = load_settings(path)
    index = next((index for index, camera in enumerate(settings.cameras) if camera.name == name), None)
    if index is None:
        there = ", ".join(camera.name for camera in settings.cameras)
        raise SettingsError(f"{path.name}: there is no camera {name}; there are {there}")
    written = settings.cameras[index]
    return OneCamera(
        name=name,
        source=source_named(path, written, f"{path.name}: cameras[{index}]", environ),
        transport=written.transport,
        zones=written.zones,
        masks=written.masks,
    )
