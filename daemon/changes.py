"""What differs between the settings that run and those that a file now holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from daemon.config import Camera, Settings

_LIVE: Final = frozenset({"cameras", "events", "health"})
"""Sections that are applied while the daemon runs; whatever else is changed waits for a restart."""
_DOWNSTREAM: Final = frozenset({"profile", "threshold", "priority", "events", "health", "zones", "masks"})
"""Keys of a camera that leave its connection alone."""


@dataclass(frozen=True, slots=True)
class Change:
    """A camera whose settings have changed."""

    camera: Camera
    keys: tuple[str, ...]
    """What has, for people."""

    @property
    def reconnects(self) -> bool:
        """Whether its connection has to be made anew."""
        return not _DOWNSTREAM.issuperset(self.keys)


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed of the cameras."""

    added: tuple[Camera, ...]
    removed: tuple[str, ...]
    changed: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def told(self) -> str:
        """For people."""
        parts = [f"added {camera.name}" for camera in self.added]
        parts += [f"removed {name}" for name in self.removed]
        parts += [f"changed {change.camera.name} ({', '.join(change.keys)})" for change in self.changed]
        return "; ".join(parts) or "no camera has changed"


def changes(before: Sequence[Camera], after: Sequence[Camera]) -> Changes:
    """Compare the cameras of two files; those that are alike are in no part of the answer."""
    known, wanted = {c.name: c for c in before}, {c.name: c for c in after}
    pairs = [(known[name], camera) for name, camera in wanted.items() if name in known]
    return Changes(
        added=tuple(camera for name, camera in wanted.items() if name not in known),
        removed=tuple(name for name in known if name not in wanted),
        changed=tuple(Change(new, keys) for old, new in pairs if (keys := _differing(old, new))),
    )


def waiting_for_restart(running: Settings, written: Settings) -> tuple[str, ...]:
    """The keys, as ``section.key``, that differ from what runs and cannot be changed while it does."""
    return tuple(
        key
        for section in Settings.__struct_fields__
        if section not in _LIVE
        for key in _keys(section, getattr(running, section), getattr(written, section))
    )


def _differing(old: Camera, new: Camera) -> tuple[str, ...]:
    return tuple(key for key in Camera.__struct_fields__ if getattr(old, key) != getattr(new, key))


def _keys(path: str, old: object, new: object) -> Iterator[str]:
    if isinstance(old, msgspec.Struct) and type(old) is type(new):
        for name in old.__struct_fields__:
            yield from _keys(f"{path}.{name}", getattr(old, name), getattr(new, name))
    elif old != new:
        yield path
