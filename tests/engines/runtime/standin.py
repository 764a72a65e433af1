"""A device made of numpy, for testing the engine around it where there is no GPU.

It is strict where a GPU is merely fast: a stream does nothing until it is waited for, so that whoever reads or
overwrites a buffer too early gets wrong numbers; new memory is poisoned; whatever is used after it was freed fails.
What it cannot show is that the real calls exist: `test_tensorrt_types.py` and the GPU suite do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineError

Work = Callable[[], None]


@dataclass
class StandInGraph:
    device: StandInDevice
    work: list[Work] = field(default_factory=list)
    launches: int = 0

    def launch(self, stream: int) -> None:
        self.launches += 1
        self.device.streams[stream].extend(self.work)

    def close(self) -> None:
        self.work.clear()


class StandInDevice:
    """A `Device` whose memory are arrays and whose streams are lists of what is still to be done."""

    def __init__(self, capability: tuple[int, int] = (8, 6), *, capturing: bool = True) -> None:
        self.name, self.capability = "NVIDIA Stand-In", capability
        self.memory: dict[int, NDArray[np.uint8]] = {}
        self.arrays: list[NDArray[Any]] = []
        self.streams: dict[int, list[Work]] = {}
        self.graphs: list[StandInGraph] = []
        self.capturing: dict[int, StandInGraph] = {}
        self.can_capture = capturing
        self.times: list[float] = []
        self.recorded_on: dict[int, int] = {}
        self.clock = 0.0
        self.depth = 0
        self.opened = 0
        self.closed = 0
        self.at_close: Callable[[], None] = lambda: None
        self._thread: int | None = None

    def open(self) -> None:
        self.opened += 1
        self._thread = threading.get_ident()

    @contextmanager
    def active(self) -> Iterator[None]:
        if self._thread is None:
            raise EngineError("the engine is not open")
        if self._thread != threading.get_ident():
            raise EngineError("the engine was opened on another thread: open and use it on one")
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def allocate(self, size: int) -> int:
        self._current()
        address = (1 + len(self.memory)) << 32
        self.memory[address] = np.full(size, 0xFF, np.uint8)
        return address

    def page_locked(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        self._current()
        self.arrays.append(np.empty(shape, dtype))
        return self.arrays[-1]

    def stream(self) -> int:
        self._current()
        handle = 1000 + len(self.streams)
        self.streams[handle] = []
        return handle

    def event(self) -> int:
        self._current()
        self.times.append(0.0)
        return len(self.times) - 1

    def record(self, event: int, stream: int) -> None:
        self.times[event] = 0.0
        self.recorded_on[event] = stream
        self.give(stream, lambda: self._come(event))

    def wait_for(self, event: int) -> None:
        """Do what the event's own stream still has to do: no other stream."""
        self.wait(self.recorded_on[event])

    def seconds(self, first: int, then: int) -> float:
        assert 0 < self.times[first] <= self.times[then], "an event is asked for its time before it has come"
        return self.times[then] - self.times[first]

    def upload(self, target: int, source: NDArray[Any], stream: int) -> None:
        assert any(np.shares_memory(source, array) for array in self.arrays), "not page-locked"
        memory = self.memory[target]
        self.give(stream, lambda: memory.__setitem__(slice(source.nbytes), source.reshape(-1).view(np.uint8)))

    def download(self, target: NDArray[Any], source: int, stream: int) -> None:
        assert any(np.shares_memory(target, array) for array in self.arrays), "not page-locked"
        memory = self.memory[source]
        self.give(stream, lambda: np.copyto(target.reshape(-1).view(np.uint8), memory[: target.nbytes]))

    def wait(self, stream: int) -> None:
        work, self.streams[stream] = self.streams[stream], []
        for step in work:
            step()

    @contextmanager
    def capture(self, stream: int) -> Iterator[StandInGraph]:
        if not self.can_capture:
            raise EngineError("the GPU refused cuStreamBeginCapture_v2 (CUDA_ERROR_NOT_SUPPORTED)")
        graph = self.capturing[stream] = StandInGraph(self)
        yield graph
        del self.capturing[stream]
        self.graphs.append(graph)

    def close(self) -> None:
        if self._thread is None:
            return
        self._thread = None
        self.at_close()
        self.closed += 1
        for held in (self.memory, self.streams):
            held.clear()
        self.arrays.clear()

    def give(self, stream: int, step: Work) -> None:
        """Put a step on a stream, or into the graph that is being captured on it."""
        self._current()
        (self.capturing[stream].work if stream in self.capturing else self.streams[stream]).append(step)

    def _come(self, event: int) -> None:
        self.clock += 0.001
        self.times[event] = self.clock

    def _current(self) -> None:
        assert self.depth > 0, "the device's context is not current"
