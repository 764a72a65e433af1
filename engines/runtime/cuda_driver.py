"""The few calls of CUDA's driver that pycuda lacks: graphs, and one to mend its teardown; by ctypes.

pycuda 2026.1 wraps no part of the graph API. The driver is loaded by it already, so seven calls need no further
package. Every call returns a CUresult, and every one is checked. Signatures:
https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__GRAPH.html and group__CUDA__STREAM.html.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from ctypes import POINTER, byref, c_char_p, c_int, c_ulonglong, c_void_p
from typing import Any, Final

from engines.errors import EngineError

_LIBRARY: Final = "libcuda.so.1"
_THREAD_LOCAL: Final = 1
"""CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: other threads, torch's among them, may allocate meanwhile."""

_SIGNATURES: Final[Mapping[str, tuple[Any, ...]]] = {
    "cuStreamBeginCapture_v2": (c_void_p, c_int),
    "cuStreamEndCapture": (c_void_p, POINTER(c_void_p)),
    "cuGraphInstantiateWithFlags": (POINTER(c_void_p), c_void_p, c_ulonglong),
    "cuGraphLaunch": (c_void_p, c_void_p),
    "cuGraphExecDestroy": (c_void_p,),
    "cuGraphDestroy": (c_void_p,),
    "cuCtxPopCurrent_v2": (POINTER(c_void_p),),
    "cuGetErrorName": (c_int, POINTER(c_char_p)),
}

Call = Callable[..., int]


class CudaDriver:
    """The driver's calls, each checked. Raises `EngineError` when one fails."""

    def __init__(self, calls: Mapping[str, Call]) -> None:
        """Use `calls`, by the names that the driver gives them."""
        self._calls = calls

    @classmethod
    def load(cls) -> CudaDriver:
        """Find the driver's library. Raises `EngineError` when there is none, or one older than CUDA 11.4."""
        try:
            library = ctypes.CDLL(_LIBRARY)
            return cls({name: _typed(library[name], types) for name, types in _SIGNATURES.items()})
        except OSError as error:
            raise EngineError(f"NVIDIA's driver is not installed ({_LIBRARY} does not load)") from error
        except AttributeError as error:
            raise EngineError(
                f"NVIDIA's driver is too old ({error}): Vigil needs that of CUDA 11.4 or newer"
            ) from error

    @contextmanager
    def capture(self, stream: int) -> Iterator[Graph]:
        """Record what is given to the stream inside the block; the graph can be launched after it."""
        graph = Graph(self)
        self.call("cuStreamBeginCapture_v2", stream, _THREAD_LOCAL)
        try:
            yield graph
        except BaseException:
            self.try_end(stream)
            raise
        graph.take(self.end(stream))

    def end(self, stream: int) -> c_void_p:
        """End a capture and return the graph's handle."""
        handle = c_void_p()
        self.call("cuStreamEndCapture", stream, byref(handle))
        return handle

    def try_end(self, stream: int) -> None:
        """End a capture that failed: an error has been told already, so this one's outcome does not count."""
        handle = c_void_p()
        if self._calls["cuStreamEndCapture"](stream, byref(handle)) == 0 and handle:
            self.call("cuGraphDestroy", handle)

    def pop_context(self) -> None:
        """Take the current context from the calling thread's stack."""
        self.call("cuCtxPopCurrent_v2", byref(c_void_p()))

    def call(self, name: str, *arguments: Any) -> None:
        """Call the driver. Raises `EngineError` with the status' name when it is not CUDA_SUCCESS."""
        status = self._calls[name](*arguments)
        if status != 0:
            raise EngineError(f"the GPU refused {name} ({self._told(status)}): see `vigil doctor`")

    def _told(self, status: int) -> str:
        name = c_char_p()
        known = self._calls["cuGetErrorName"](status, byref(name)) == 0 and name.value is not None
        return name.value.decode() if known and name.value else f"CUDA error {status}"


class Graph:
    """Work of a stream, recorded once and launched as one."""

    def __init__(self, driver: CudaDriver) -> None:
        self._driver = driver
        self._graph: c_void_p | None = None
        self._ready: c_void_p | None = None

    def take(self, handle: c_void_p) -> None:
        """Make a captured graph ready to launch."""
        self._graph = handle
        ready = c_void_p()
        try:
            self._driver.call("cuGraphInstantiateWithFlags", byref(ready), handle, 0)
        except EngineError:
            self.close()
            raise
        self._ready = ready

    def launch(self, stream: int) -> None:
        """Do the recorded work on the stream, in its order."""
        if self._ready is None:
            raise EngineError("the graph was not captured to its end: this is a defect of Vigil, please report it")
        self._driver.call("cuGraphLaunch", self._ready, stream)

    def close(self) -> None:
        """Destroy it; may be called twice."""
        ready, self._ready = self._ready, None
        graph, self._graph = self._graph, None
        if ready is not None:
            self._driver.call("cuGraphExecDestroy", ready)
        if graph is not None:
            self._driver.call("cuGraphDestroy", graph)


def _typed(function: Any, types: tuple[Any, ...]) -> Call:
    function.argtypes = types
    function.restype = c_int
    call: Call = function
    return call
