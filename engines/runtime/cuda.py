"""The GPU as Vigil uses it: one retained primary context, page-locked memory, streams and events; by pycuda.

`Device` is all that the rest of the engine room knows of CUDA, so that the rest can be tested without one.

The primary context is the one that torch and the CUDA runtime use, so memory and handles can be shared with torch in
one process. It is made current for the length of a call and taken away again, so that nobody else on the thread finds
another context than was there before. pycuda: https://documen.tician.de/pycuda/driver.html.
"""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineError
from engines.runtime.cuda_driver import CudaDriver

_log = logging.getLogger("vigil.engine")

_NON_BLOCKING: Final = 1
"""CU_STREAM_NON_BLOCKING: the stream does not wait for the legacy default stream, which torch computes on."""


class Graph(Protocol):
    """Work of a stream, recorded once to be launched as one."""

    def launch(self, stream: int) -> None:
        """Do the recorded work on the stream, in its order."""

    def close(self) -> None:
        """Destroy it; may be called twice."""


class Device(Protocol):
    """What a GPU does for an engine. Everything is done on the thread that opened it. Raises `EngineError`."""

    @property
    def name(self) -> str:
        """The maker's name of it; valid before `open`."""

    @property
    def capability(self) -> tuple[int, int]:
        """Compute capability; valid before `open`."""

    def open(self) -> None:
        """Retain the primary context for the calling thread."""

    def active(self) -> AbstractContextManager[None]:
        """Make the context current inside the block; blocks may nest."""

    def allocate(self, size: int) -> int:
        """Return the address of `size` bytes of the device's memory, aligned to 256 bytes at least."""

    def page_locked(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return an array in the host's memory that the device copies from and to by itself."""

    def stream(self) -> int:
        """Return the handle of a new stream."""

    def event(self) -> int:
        """Return the handle of a new event, a moment on a stream."""

    def record(self, event: int, stream: int) -> None:
        """Let `event` come when the stream has done what was given to it so far."""

    def wait_for(self, event: int) -> None:
        """Wait until `event` has come. Raises what went wrong on the stream before it."""

    def seconds(self, first: int, then: int) -> float:
        """Seconds between two events that have come, by the device's clock."""

    def upload(self, target: int, source: NDArray[Any], stream: int) -> None:
        """Copy a page-locked, contiguous array to the device, in the stream's order."""

    def download(self, target: NDArray[Any], source: int, stream: int) -> None:
        """Copy from the device to a page-locked, contiguous array, in the stream's order."""

    def wait(self, stream: int) -> None:
        """Wait until the stream has done all that was given to it."""

    def capture(self, stream: int) -> AbstractContextManager[Graph]:
        """Record what is given to the stream inside the block, instead of doing it, to be launched ever after."""

    def close(self) -> None:
        """Free everything that was handed out and release the context; may be called twice."""


class CudaDevice:
    """A `Device` by pycuda. Raises `EngineError` when pycuda, the driver or a GPU is missing."""

    def __init__(self, index: int = 0) -> None:
        """Look at the GPU of that index; its context is retained by `open`."""
        self._cuda = _pycuda()
        self._driver = CudaDriver.load()
        with self._failing("find the GPU"):
            self._cuda.init()
            self._device = self._cuda.Device(index)
            self._name = str(self._device.name())
            self._capability: tuple[int, int] = self._device.compute_capability()
        self._context: Any = None
        self._thread = 0
        self._memory: list[Any] = []
        self._arrays: list[Any] = []
        self._streams: dict[int, Any] = {}
        self._events: list[Any] = []
        self._graphs: list[Graph] = []

    @property
    def name(self) -> str:
        """The maker's name of it."""
        return self._name

    @property
    def capability(self) -> tuple[int, int]:
        """Compute capability."""
        return self._capability

    def open(self) -> None:
        """Retain the primary context for the calling thread."""
        if self._context is not None:
            return
        self._thread = threading.get_ident()
        with self._failing("start on the GPU"):
            self._context = self._device.retain_primary_context()

    @contextmanager
    def active(self) -> Iterator[None]:
        """Make the context current inside the block; blocks may nest."""
        context = self._opened()
        with self._failing("use the GPU"):
            context.push()
            try:
                yield
            finally:
                self._cuda.Context.pop()

    def allocate(self, size: int) -> int:
        """Return the address of `size` bytes; cuMemAlloc aligns them to 256."""
        with self._failing(f"allocate {size} bytes on the GPU"):
            self._memory.append(self._cuda.mem_alloc(size))
        return int(self._memory[-1])

    def free_bytes(self) -> int:
        """How much of the device's memory nobody uses; the context must be current."""
        with self._failing("ask the GPU for its free memory"):
            return int(self._cuda.mem_get_info()[0])

    def page_locked(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return an array in page-locked memory of the host."""
        with self._failing("allocate page-locked memory"):
            array: NDArray[Any] = self._cuda.pagelocked_empty(shape, dtype)
        self._arrays.append(array.base)  # a PagelockedHostAllocation, whose free() ends the array's life
        return array

    def stream(self) -> int:
        """Return the handle of a new stream."""
        with self._failing("create a stream"):
            made = self._cuda.Stream(_NON_BLOCKING)
        self._streams[int(made.handle)] = made
        return int(made.handle)

    def event(self) -> int:
        """Return the handle of a new event."""
        with self._failing("create an event"):
            self._events.append(self._cuda.Event())
        return len(self._events) - 1

    def record(self, event: int, stream: int) -> None:
        """Let `event` come when the stream has done what was given to it so far."""
        self._events[event].record(self._streams[stream])

    def wait_for(self, event: int) -> None:
        """Wait until `event` has come; pycuda lets other Python threads run meanwhile."""
        self._events[event].synchronize()

    def seconds(self, first: int, then: int) -> float:
        """Seconds between two events that have come; the driver counts milliseconds in steps of half a microsecond."""
        return float(self._events[then].time_since(self._events[first])) / 1e3

    def upload(self, target: int, source: NDArray[Any], stream: int) -> None:
        """Copy to the device, in the stream's order."""
        self._cuda.memcpy_htod_async(target, source, self._streams[stream])

    def download(self, target: NDArray[Any], source: int, stream: int) -> None:
        """Copy from the device, in the stream's order."""
        self._cuda.memcpy_dtoh_async(target, source, self._streams[stream])

    def wait(self, stream: int) -> None:
        """Wait until the stream has done all that was given to it; errors of what it did come out here."""
        self._streams[stream].synchronize()

    @contextmanager
    def capture(self, stream: int) -> Iterator[Graph]:
        """Record what is given to the stream inside the block; pycuda has no graphs, so this is the driver's API."""
        with self._driver.capture(stream) as graph:
            yield graph
        self._graphs.append(graph)

    def close(self) -> None:
        """Free everything that was handed out, what uses memory before the memory, and release the context.

        A device that failed refuses to free, too. That is logged, and the rest is tried all the same.
        """
        context, self._context = self._context, None
        if context is None:
            return
        self._try(context.push)
        for graph in self._graphs:
            self._try(graph.close)
        self._graphs.clear()
        self._streams.clear()  # pycuda destroys streams and events with their last reference
        self._events.clear()
        for held in (*self._arrays, *self._memory):
            self._try(held.free)
        self._arrays.clear()
        self._memory.clear()
        # pycuda's detach() of a primary context leaves it current on the driver's stack, although it counts it as
        # gone: take it away first. What it believes to be below comes back by detach() itself.
        self._try(self._driver.pop_context)
        self._try(context.detach)

    def _try(self, step: Callable[[], object]) -> None:
        try:
            step()
        except (self._cuda.Error, EngineError) as error:
            _log.warning("cannot tidy up on the GPU: %s", error)

    def _opened(self) -> Any:
        if self._context is None:
            raise EngineError("the engine is not open: call open() first, on the thread that uses it")
        if threading.get_ident() != self._thread:
            raise EngineError("the engine was opened on another thread: open and use it on one")
        return self._context

    @contextmanager
    def _failing(self, doing: str) -> Iterator[None]:
        """Tell pycuda's errors, which name the failed call and its reason, as an `EngineError`."""
        try:
            yield
        except (self._cuda.Error, MemoryError) as error:
            raise EngineError(f"cannot {doing} ({error}): see `vigil doctor`") from error


def _pycuda() -> Any:
    try:
        return importlib.import_module("pycuda.driver")
    except ModuleNotFoundError as error:
        raise EngineError("pycuda is not installed: install vigil[tensorrt]") from error
    except ImportError as error:  # libcuda.so.1 comes with the driver
        raise EngineError(f"pycuda does not load ({error}): install NVIDIA's driver") from error
