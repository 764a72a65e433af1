"""Where the demonstration keeps its files."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from daemon.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Folder:
    """The output folder: pictures for people at the top, the rest in folders of its own."""

    root: Path

    @property
    def wall(self) -> Path:
        """The contact sheet."""
        return self.root / "wall.png"

    @property
    def best(self) -> Path:
        """The overlay of the best alert."""
        return self.root / "best.jpg"

    @property
    def summary(self) -> Path:
        """The outcome for programs."""
        return self.root / "summary.json"

    @property
    def settings(self) -> Path:
        """The daemon's settings file."""
        return self.root / "vigil.toml"

    @property
    def alerts(self) -> Path:
        """Pictures and headers of every alert."""
        return self.root / "alerts"

    def normal(self, camera: str) -> Path:
        """A camera's normal footage."""
        return self.root / "footage" / f"{camera}-normal.mp4"

    def watched(self, camera: str) -> Path:
        """The clip that a camera plays; its truth lies beside it."""
        return self.root / "footage" / f"{camera}-watched.mp4"

    def profile(self, camera: str) -> Path:
        """What was learnt of a camera."""
        return self.root / "profiles" / f"{camera}.vigil"

    def log(self, name: str) -> Path:
        """What a process had to say."""
        return self.root / "logs" / f"{name}.log"

    def prepare(self) -> None:
        """Make the folders, empty of what an earlier demonstration left in them.

        Raises:
            SettingsError: They cannot be made or written to.
        """
        try:
            for name in ("alerts", "footage", "profiles", "logs"):
                shutil.rmtree(self.root / name, ignore_errors=True)
                (self.root / name).mkdir(parents=True)
            for path in (self.wall, self.best, self.summary, self.settings):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise SettingsError(f"--out {self.root}: cannot write there ({error.strerror})") from error
