"""Footage and profiles for the benchmarks, made once and kept."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from daemon.bench.figures import cores
from daemon.commands.footage import partial
from daemon.demo.child import ChildFailed
from daemon.errors import SettingsError
from engines.errors import ProfileError
from engines.network.files import shared_network
from engines.normality import Normality
from engines.profile import Profile
from pipelines.simulation.encode import Encoder, encode_scene
from pipelines.simulation.scene import Scene, plan_anomalies

SIZE, FPS, ANALYSED_FPS = (640, 360), 15.0, 5.0
"""What every camera of the live benchmarks sends, and how much of it is analysed."""
NORMAL_S, WATCHED_S, STILL_S = 150.0, 150.0, 120.0
_NOISE = 2.0
"""Standard deviation of a quiet sensor, in steps of 255."""


def default_folder() -> Path:
    """Where footage is kept unless somebody names a folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vigil" / "bench"


@dataclass(frozen=True, slots=True)
class Footage:
    """Makes what is missing in a folder. Raises `SettingsError` when it cannot be written."""

    folder: Path
    tell: Callable[[str], None]

    def prepare(self) -> None:
        """Make the folder."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"{self.folder}: cannot be made ({error.strerror}): name another with --work"
            ) from error

    def views(self, busy: Sequence[int], still: Sequence[int]) -> None:
        """Make everything about these views, a view a core."""
        self.prepare()
        wanted = sorted({*busy, *still})
        jobs = [
            (self.folder, view, view in busy, view in still) for view in wanted if not self._whole(view, busy, still)
        ]
        if jobs:
            self.tell(f"rendering and learning {len(jobs)} views, once: some minutes")
            with ProcessPoolExecutor(cores(), mp_context=get_context("spawn")) as pool:
                list(pool.map(_make_view, jobs))

    def _whole(self, view: int, busy: Sequence[int], still: Sequence[int]) -> bool:
        names = [f"view{view}.vigil", *[f"watched{view}.mp4"] * (view in busy), *[f"empty{view}.mp4"] * (view in still)]
        return all((self.folder / name).exists() for name in names)

    def busy(self, view: int) -> Path:
        """A view with people, cars and planted anomalies: alerts are raised in it."""

        def make(path: Path) -> None:
            plan = plan_anomalies(view, WATCHED_S, seed=2, first_s=10.0)
            encode_scene(Scene(view, seed=2, anomalies=plan), path, WATCHED_S)

        return self._made(f"watched{view}.mp4", make)

    def still(self, view: int) -> Path:
        """A view with nobody about, seen by a sensor that is a little noisy.

        People who stood there like statues would rightly raise an alert.
        """

        def make(path: Path) -> None:
            picture = Scene(view, seed=3, empty=True).frame(0).astype(np.float32)
            random = np.random.default_rng(view)
            shots = (
                np.clip(picture + random.normal(0, _NOISE, picture.shape), 0, 255) for _ in range(int(STILL_S * FPS))
            )
            _encode(path, SIZE, FPS, (shot.astype(np.uint8) for shot in shots))

        return self._made(f"empty{view}.mp4", make)

    def large(self, seconds: float = 12.0) -> Path:
        """A view at 1920x1080, 25 frames/s."""
        return self._made("large.mp4", lambda path: self._scene(path, (1920, 1080), 25.0, seconds))

    def small(self, seconds: float = 60.0) -> Path:
        """A view at 640x360, 15 frames/s."""
        return self._made("small.mp4", lambda path: self._scene(path, SIZE, FPS, seconds))

    def profile(self, view: int) -> Path:
        """What `vigil enrol` learns of a view; learnt anew when this version cannot use what is there."""
        normal = self._made(f"normal{view}.mp4", lambda path: self._scene(path, SIZE, FPS, NORMAL_S, view))
        made = self.folder / f"view{view}.vigil"
        if not _usable(made):
            self.tell(f"learning view {view}")
            command = [sys.executable, "-m", "daemon", "enrol", str(normal), "--fps", "5", "--out", str(made)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
            if done.returncode:
                raise ChildFailed(f"vigil enrol of {normal} failed: {done.stderr.strip().splitlines()[-1:]}")
        return made

    def _scene(self, path: Path, size: tuple[int, int], fps: float, seconds: float, view: int = 0) -> None:
        encode_scene(Scene(view, seed=1, size=size, fps=fps), path, seconds)

    def _made(self, name: str, make: Callable[[Path], None]) -> Path:
        """A clip takes its name when it is whole; the sidecar with its truth, if it has one, is not needed."""
        path = self.folder / name
        if not path.exists():
            self.prepare()
            self.tell(f"rendering {name}")
            unfinished = partial(path).with_suffix(".mp4")
            make(unfinished)
            unfinished.replace(path)
            for left in self.folder.glob(f"{unfinished.name}.*"):
                left.unlink()
        return path


def _usable(profile: Path) -> bool:
    if not profile.exists():
        return False
    try:
        loaded = Profile.load(profile)
        Normality.from_arrays(loaded.arrays)
    except (ProfileError, LookupError, ValueError, TypeError):  # of another version
        return False
    return loaded.network.id == shared_network().id


def _make_view(job: tuple[Path, int, bool, bool]) -> None:
    """In a process of its own."""
    folder, view, busy, still = job
    cv2.setNumThreads(1)
    footage = Footage(folder, lambda _: None)
    footage.profile(view)
    if busy:
        footage.busy(view)
    if still:
        footage.still(view)


def _encode(path: Path, size: tuple[int, int], fps: float, pictures: Iterable[np.ndarray]) -> None:
    encoder = Encoder(path, size, fps)
    try:
        for picture in pictures:
            encoder.add(picture)
    finally:
        encoder.close()
