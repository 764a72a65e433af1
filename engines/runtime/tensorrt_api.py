"""What Vigil calls of TensorRT, as types, and how it is found.

TensorRT itself cannot be installed everywhere: its libraries come from NVIDIA's own index. The types here say what is
used of it and no more; a test holds them to `tensorrt-stubs` (TensorRT 10.13) under mypy and to the classes of the
TensorRT for RTX that is installed for development. What 10 and 11 do differently is told by `Release`.

Reference: https://docs.nvidia.com/deeplearning/tensorrt/latest/_static/python-api/index.html, and for what changed
https://docs.nvidia.com/deeplearning/tensorrt/latest/api/migration/tensorrt-10x-to-11x-python-api-reference.html.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from engines.errors import EngineError

Flavour = Literal["tensorrt", "tensorrt_rtx"]
_MODULES: Final[dict[Flavour, tuple[str, ...]]] = {
    "tensorrt": ("tensorrt",),
    "tensorrt_rtx": ("tensorrt_rtx", "tensorrt_rtx_bindings"),
}
_OLDEST: Final[dict[Flavour, tuple[int, int]]] = {"tensorrt": (10, 1), "tensorrt_rtx": (1, 2)}
"""The first with `set_device_memory` and `device_memory_size_v2`."""


class Tensor(Protocol):
    """ITensor: an input or output of a network under construction."""

    @property
    def name(self) -> str:
        """The name in the ONNX file."""

    @property
    def shape(self) -> Any:
        """Dims, with -1 for what is not fixed."""


class NetworkDefinition(Protocol):
    """INetworkDefinition."""

    @property
    def num_inputs(self) -> int:
        """How many inputs the network has."""

    def get_input(self, index: int) -> Any:
        """The `Tensor`, or None past the end."""


class Profile(Protocol):
    """IOptimizationProfile."""

    def set_shape(self, input: str, min: Any, opt: Any, max: Any) -> None:  # noqa: A002  # TensorRT's names
        """Raise ValueError when the shapes do not fit one another."""


class BuilderConfig(Protocol):
    """IBuilderConfig."""

    builder_optimization_level: int

    def set_flag(self, flag: Any) -> None:
        """Switch a BuilderFlag on."""

    def clear_flag(self, flag: Any) -> None:
        """Switch a BuilderFlag off."""

    def set_memory_pool_limit(self, pool: Any, pool_size: int) -> None:
        """Bound a MemoryPoolType, in bytes."""

    def add_optimization_profile(self, profile: Any) -> int:
        """Return the profile's index, -1 when it is refused."""

    def create_timing_cache(self, serialized_timing_cache: Any) -> Any:
        """Return an ITimingCache, None when the bytes are none; empty bytes make an empty one."""

    def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:  # noqa: FBT001  # TensorRT's signature
        """Use a timing cache; False when it is of another device or version and `ignore_mismatch` is false."""

    def get_timing_cache(self) -> Any:
        """Return the ITimingCache in use, whose serialize() returns IHostMemory."""


class Builder(Protocol):
    """Builder."""

    def create_network(self, flags: int = 0) -> Any:
        """Return a `NetworkDefinition`."""

    def create_builder_config(self) -> Any:
        """Return a `BuilderConfig`."""

    def create_optimization_profile(self) -> Any:
        """Return a `Profile`."""

    def build_serialized_network(self, network: Any, config: Any) -> Any:
        """Return IHostMemory, a buffer; None when the build failed."""


class Parser(Protocol):
    """OnnxParser."""

    @property
    def num_errors(self) -> int:
        """How many errors the last parse met."""

    def parse(self, model: Any) -> bool:
        """Read a serialised ONNX model into the network; False when it cannot be."""

    def get_error(self, index: int) -> Any:
        """Return a ParserError: desc(), node_name(), node_operator()."""


class Engine(Protocol):
    """ICudaEngine."""

    @property
    def num_io_tensors(self) -> int:
        """How many inputs and outputs there are."""

    @property
    def num_optimization_profiles(self) -> int:
        """How many profiles it was built with."""

    @property
    def device_memory_size_v2(self) -> int:
        """Bytes that a context needs, whatever its profile."""

    def get_tensor_name(self, index: int) -> str:
        """The name of an input or output."""

    def get_tensor_mode(self, name: str) -> Any:
        """TensorIOMode: INPUT or OUTPUT."""

    def get_tensor_dtype(self, name: str) -> Any:
        """DataType."""

    def get_tensor_shape(self, name: str) -> Any:
        """Dims, with -1 for the batch."""

    def create_execution_context(self, strategy: Any) -> Any:
        """Return an `ExecutionContext`; None when there is no memory for it."""


class ExecutionContext(Protocol):
    """IExecutionContext."""

    def set_device_memory(self, memory: int, size: int) -> None:
        """Give it its working memory: the address of at least `device_memory_size_v2` bytes."""

    def set_optimization_profile_async(self, profile_index: int, stream_handle: int) -> bool:
        """Choose a profile; the stream has to be waited for before another one runs the context."""

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        """Fix an input's shape."""

    def set_tensor_address(self, name: str, memory: int) -> bool:
        """Say where an input or output lies on the device."""

    def infer_shapes(self) -> Sequence[str]:
        """Return the names of inputs whose shape is not known yet."""

    def execute_async_v3(self, stream_handle: int) -> bool:
        """Give the network to a stream; False when it cannot be."""


class Runtime(Protocol):
    """Runtime."""

    def deserialize_cuda_engine(self, serialized_engine: Any) -> Any:
        """Return an `Engine`; None when the plan is for another version or device, or damaged."""


@dataclass(frozen=True)
class Release:
    """A TensorRT that is installed."""

    module: Any
    """The Python module; its classes are those described above."""
    flavour: Flavour
    version: str

    @property
    def number(self) -> tuple[int, int]:
        """Major and minor version."""
        return _number(self.version)

    @property
    def rtx(self) -> bool:
        """Whether it is TensorRT for RTX, which builds for compute capabilities by name and needs no GPU for it."""
        return self.flavour == "tensorrt_rtx"

    @property
    def has_timing_cache(self) -> bool:
        """Whether measurements of kernels can be kept for the next build: in TensorRT for RTX they do nothing."""
        return not self.rtx


def load_tensorrt(flavour: Flavour = "tensorrt") -> Release:
    """Find TensorRT. Raises `EngineError` when it is missing, does not load, or is too old.

    The daemon uses `tensorrt`; `tensorrt_rtx` builds engines ahead of time, with no GPU, and is what the tests have.
    """
    for name in _MODULES[flavour]:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        except (ImportError, OSError) as error:  # bindings without their libraries
            raise EngineError(f"TensorRT does not load ({error}): install its libraries (vigil[tensorrt])") from error
        if hasattr(module, "Builder"):  # stubs alone make an empty package of the name
            return _checked(Release(module, flavour, str(module.__version__)))
    raise EngineError("TensorRT is not installed: install vigil[tensorrt] on a machine with an NVIDIA GPU")


def _checked(release: Release) -> Release:
    oldest = _OLDEST[release.flavour]
    if release.number < oldest:
        wanted = ".".join(map(str, oldest))
        raise EngineError(f"TensorRT {release.version} is too old: Vigil needs {wanted} or newer")
    return release


def _number(version: str) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is None:
        raise EngineError(f"TensorRT states the version {version!r}, which is none: install it again")
    return int(found[1]), int(found[2])
