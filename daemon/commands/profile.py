"""``vigil profile``: a camera's profile and the one before it, which lies beside it as ``NAME.vigil.previous``."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from daemon.commands.terminal import results
from daemon.config import load_config
from daemon.errors import SettingsError
from engines.profile import Profile


def previous(path: Path) -> Path:
    """Where the profile is kept that a new one has replaced."""
    return path.with_name(path.name + ".previous")


def keep_previous(path: Path) -> None:
    """Keep a profile that is about to be replaced."""
    if path.is_file():
        copy = path.with_name(path.name + ".keeping")
        shutil.copy2(path, copy)
        copy.replace(previous(path))


def rollback(file: Path, camera: str) -> None:
    """Swap a camera's profile and the previous one. Raises `SettingsError` and `ProfileError`."""
    config = load_config(file)
    found = next((each for each in config.cameras if each.name == camera), None)
    if found is None:
        known = ", ".join(each.name for each in config.cameras)
        raise SettingsError(f"{file.name}: there is no camera {camera}; there are {known}")
    old = previous(found.profile)
    if not old.is_file():
        raise SettingsError(f"{old} is not there: vigil enrol makes it when it replaces a profile")
    was, now = Profile.load(found.profile).id, Profile.load(old).id  # refused here rather than by the daemon
    _swap(found.profile, old)
    sharers = ", ".join(each.name for each in config.cameras if each.profile == found.profile)
    results().print(f"{sharers}: profile {now} is back in the place of {was}", markup=False)


def _swap(one: Path, other: Path) -> None:
    """Exchange two files; at no moment is there none under the first name."""
    aside = one.with_name(one.name + ".aside")
    aside.unlink(missing_ok=True)
    os.link(one, aside)
    other.replace(one)
    aside.replace(other)
    os.utime(one)  # a change that is seen, though it is the old file with its old times
