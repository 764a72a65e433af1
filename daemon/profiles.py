"""Profiles of cameras, read once however many share a file."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from engines.network.files import Network
from engines.profile import Profile


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A profile with the id of its file."""

    profile: Profile
    id: str


class ProfileShelf:
    """Reads profiles: a file that several cameras share once, and a network that several embed is kept once."""

    def __init__(self) -> None:
        self._files: dict[Path, Loaded] = {}
        self._networks: dict[str, Network] = {}

    def take(self, path: Path) -> Loaded:
        """The profile in a file. Raises `ProfileError`."""
        if path not in self._files:
            profile = Profile.load(path)
            network = self._networks.setdefault(profile.network.id, profile.network)
            self._files[path] = Loaded(dataclasses.replace(profile, network=network), profile.id)
        return self._files[path]
