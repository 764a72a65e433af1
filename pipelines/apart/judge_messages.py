"""What the daemon asks of a process that judges, and what that answers.

Pickled: both ends are this very program, and nothing but pixels has come from outside. Pixels go along as they lie.
With each message of the daemon come the numbers of what it needs no more: a camera that is judged by it still is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from engines.contract import EngineInfo, EngineState, Floats, Signal, Situation
from engines.detector import Detector, Watched
from engines.network.files import Network
from engines.runtime.select import EngineSettings


@dataclass(frozen=True, slots=True)
class Choose:
    """Choose the engine for a network, for batches of up to `most`, and know it and its detector by a number.

    Answered by `Chosen`.
    """

    judge: int
    network: Network
    settings: EngineSettings
    most: int


@dataclass(frozen=True, slots=True)
class Open:
    """Open an engine. Answered by `Chosen`."""

    judge: int


@dataclass(frozen=True, slots=True)
class Close:
    """Release an engine, and forget it."""

    judge: int


@dataclass(frozen=True, slots=True)
class Store:
    """Keep what a camera is to be judged by, under a number."""

    number: int
    watched: Watched


@dataclass(frozen=True, slots=True)
class Join:
    """Judge a camera by what is kept under a number."""

    judge: int
    camera: str
    number: int


@dataclass(frozen=True, slots=True)
class Do:
    """Do something to a detector: `deed` is one of its methods with all else that it needs."""

    judge: int
    deed: Callable[[Detector], None]


@dataclass(frozen=True, slots=True)
class Score:
    """Judge a batch, see `engines.contract.Batch`; its frames' pixels follow. Answered by `Scored`."""

    judge: int
    cameras: tuple[str, ...]
    times_s: tuple[float, ...]
    input_size: tuple[int, int]
    again: bool
    numbers: tuple[int, ...]
    """One a frame: what its maps are kept under that the answer does not bring."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """Make the maps that are kept under a number. Answered by `Fetched`."""

    number: int


Told: TypeAlias = Close | Store | Join | Do
"""Not answered."""
Asked: TypeAlias = Choose | Open | Score | Fetch
"""Answered, or refused."""


@dataclass(frozen=True, slots=True)
class News:
    """What an engine's watcher is told: a state, or that an engine was refused (None)."""

    info: EngineInfo
    state: EngineState | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which engine serves."""

    info: EngineInfo
    news: tuple[News, ...] = ()


Made: TypeAlias = tuple[Floats, Mapping[Signal, Floats]]
"""The maps of a frame: fused, and one a signal; see `engines.contract.Maps`."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What is said of a batch, see `engines.contract.Scores`."""

    score: Floats
    threshold: Floats
    uncertainty: Floats
    signals: Mapping[Signal, Floats]
    maps: Sequence[Made | None]
    """None for those of frames that nobody is likely to look at."""
    situations: Sequence[Situation]
    info: EngineInfo
    news: tuple[News, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Fetched:
    """Maps that were asked for."""

    maps: Made
    news: tuple[News, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """It cannot be done; the text says why, and what to do."""

    reason: str


Answer: TypeAlias = Chosen | Scored | Fetched | Refused
