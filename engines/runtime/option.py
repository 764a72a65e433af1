"""What could serve in place of the reference, and whom to tell of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from engines.contract import Engine, EngineInfo, EngineState


class Building(Protocol):
    """A build that goes on elsewhere."""

    def start(self) -> None:
        """Begin. Raises `EngineError`."""

    def finished(self) -> bool:
        """Whether it is done; never waits. Raises `EngineError` when it failed."""

    def stop(self) -> None:
        """End it, done or not; may be called twice."""


@dataclass(frozen=True, slots=True)
class Option:
    """An engine that could serve."""

    info: EngineInfo
    make: Callable[[], Engine]
    batches: tuple[int, ...] = (1,)
    """The sizes of batch that it may behave differently at."""
    build: Building | None = None
    """What has to be done before `make` is quick."""


class Watcher(Protocol):
    """Whom to tell: the metrics."""

    def engine_state(self, info: EngineInfo, state: EngineState) -> None:
        """Say which engine serves its network, and what is going on beside that."""

    def engine_refused(self, info: EngineInfo) -> None:
        """Count an option that did not pass."""


class Nobody:
    """A watcher that minds nothing."""

    def engine_state(self, info: EngineInfo, state: EngineState) -> None:
        """Ignore it."""

    def engine_refused(self, info: EngineInfo) -> None:
        """Ignore it."""
