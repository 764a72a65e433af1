"""Where frames are judged: by threads of this process, or in processes of their own. A camera stays in its chamber."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from engines.detector import Detector, Watched
from engines.network.files import Network
from engines.runtime.gated import TRIAL_FRAMES
from engines.runtime.option import Watcher
from engines.runtime.select import EngineSettings, judges_of, select_engine
from pipelines.apart.channel import Channel
from pipelines.apart.judging import ApartEngine, ApartScorer, Line, Stored
from pipelines.seating import Judge, Prepared, Ready

_WORTH_IT: Final = 8
"""Cameras. With so few, threads hardly wait for the interpreter's lock, and a process of its own takes some 100 MB."""


class Chamber(Protocol):
    """Makes judges, and makes ready what they judge by."""

    @property
    def threads(self) -> int:
        """How many threads of the daemon have frames judged here."""

    def judge(self, network: Network, most: int) -> Judge:
        """One for a network, for batches of up to `most`. Raises `EngineError`."""

    def prepare(self, judge: Judge, watched: Watched) -> Prepared:
        """What `judge`, made here, is to judge a camera by. Raises `EngineError`."""


class Here:
    """Threads of this process judge, `callers` of them, and share each engine."""

    def __init__(self, settings: EngineSettings, callers: int, watcher: Watcher) -> None:
        self._settings = settings
        self.threads = callers
        self._watcher = watcher
        self._detectors: dict[int, Detector] = {}

    def judge(self, network: Network, most: int) -> Judge:
        """One for a network, for batches of up to `most`. Raises `EngineError`."""
        engine = select_engine(
            network, self._settings, most=most, callers=self.threads, frames=TRIAL_FRAMES, watcher=self._watcher
        )
        return Judge(engine, Detector(engine, {}))

    def prepare(self, judge: Judge, watched: Watched) -> Prepared:
        """What `judge`, made here, is to judge a camera by."""
        assert isinstance(judge.detector, Detector)
        return Ready(judge.detector, watched)


class Apart:
    """A process of its own judges."""

    def __init__(self, connect: Callable[[], Channel], settings: EngineSettings, watcher: Watcher) -> None:
        """`settings` are for this process alone; `watcher` is told what its engines tell."""
        self.threads = 1  # which waits while that process works
        self._line = Line(connect, watcher)
        self._settings = settings

    def judge(self, network: Network, most: int) -> Judge:
        """One for a network, for batches of up to `most`. Raises `EngineError`."""
        engine = ApartEngine(self._line, network, self._settings, most)
        return Judge(engine, ApartScorer(self._line, engine))

    def prepare(self, judge: Judge, watched: Watched) -> Prepared:
        """What `judge`, made here, is to judge a camera by. Raises `EngineError`."""
        assert isinstance(judge.engine, ApartEngine)
        return Stored(self._line, judge.engine, watched)


def processes_of(settings: EngineSettings, cameras: int) -> int:
    """How many processes are to judge; 0: threads of the daemon do.

    As many as `judges_of` says, but no more than the cameras are worth, and none where a GPU judges: its batches are
    large, and one thread keeps it busy.
    """
    threads = judges_of(settings)
    if settings.judge_in == "threads" or threads < 2 or (settings.judge_in == "auto" and cameras <= _WORTH_IT):
        return 0
    return threads if settings.judges else min(threads, max(1, math.ceil(cameras / _WORTH_IT)))


def share_of(settings: EngineSettings, processes: int) -> EngineSettings:
    """What of the settings one of so many processes gets."""
    return msgspec.structs.replace(
        settings,
        judges=1,
        threads=max(1, math.ceil((settings.threads or processes) / processes)),
        streams=max(1, math.ceil((settings.streams or processes) / processes)),
    )
