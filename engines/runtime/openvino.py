"""The network on a CPU, compiled by OpenVINO."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from engines.contract import Decoded, Encoded, EngineInfo, Floats, NetworkSpec, Pixels
from engines.errors import EngineError
from engines.network.files import Network
from engines.runtime.cache import EngineCache, key_of
from engines.runtime.core import openvino_core
from engines.runtime.layout import normalise_first
from engines.runtime.requests import Compiled

Precision = Literal["f32", "bf16", "int8"]
_DEVICE: Final = "CPU"
_MOST_THREADS: Final = 8
"""A network of half a GFLOP gains nothing from more."""
_THREADS_PER_STREAM: Final = 2


@dataclass(frozen=True, slots=True)
class Processor:
    """What computes."""

    name: str
    precisions: tuple[Precision, ...]
    """What it computes in natively, fastest first. int8 needs a network that has it."""


class OpenVinoEngine:
    """An `engines.contract.Engine` on the CPU.

    Both networks are compiled for a batch of one and a batch is a loop: on a CPU batching gains little (it slows
    float32 down), no size ever needs recompiling, and a frame's result cannot depend on its neighbours. Several
    threads may call it at a time, each has streams of its own; several streams run frames of a batch side by side.
    Raises `EngineError`.
    """

    def __init__(
        self,
        network: Network,
        *,
        precision: Literal["auto"] | Precision = "auto",
        threads: int = 0,
        streams: int = 0,
        callers: int = 1,
        cache: EngineCache | None = None,
    ) -> None:
        """Run `network` on `threads` (0: all cores but one) in `streams` (0: one for two threads), for `callers`.

        Each of the threads that may call at a time has at least one thread and stream of its own. `auto` is the
        fastest of float formats that the processor has.
        """
        self._network = network
        self._callers = callers
        self._threads = max(threads or default_threads(), callers)
        self._streams = max(callers, min(streams or self._threads // _THREADS_PER_STREAM, self._threads))
        self._cache = cache
        self._core, processor = _start()
        if precision == "bf16" and "bf16" not in processor.precisions:
            raise EngineError(f"{processor.name} has no bf16 arithmetic: set the engine's precision to auto or f32")
        floats = [each for each in processor.precisions if each != "int8"]
        self._precision: Precision = floats[0] if precision == "auto" else precision
        self._files = network.files(self._precision)
        self._info = EngineInfo("openvino", processor.name, self._precision, network.id)
        self._encoder: Compiled | None = None
        self._decoder: Compiled | None = None

    @property
    def info(self) -> EngineInfo:
        """Which engine this is."""
        return self._info

    @property
    def spec(self) -> NetworkSpec:
        """Sizes of the network's tensors."""
        return self._network.spec

    def open(self) -> None:
        """Compile both networks, or take them from the cache, and run each once."""
        spec, (encoder, decoder) = self.spec, self._files
        with failing("compile the network"):
            self._encoder = self._compiled("encoder", encoder, [1, *spec.input_size, 3])
            self._decoder = self._compiled("decoder", decoder, [1, *spec.places, spec.latent_channels])
        self.encode(np.zeros((1, *spec.input_size, 3), np.uint8))
        self.decode(np.zeros((1, *spec.places, spec.latent_channels), np.float32))

    def encode(self, pixels: Pixels) -> Encoded:
        """Encode uint8 [N, H, W, 3]."""
        spec = self.spec
        require(pixels, np.dtype(np.uint8), (*spec.input_size, 3), "pixels")
        latent = np.empty((len(pixels), *spec.places, spec.latent_channels), np.float32)
        features = np.empty((len(pixels), *spec.places, spec.feature_channels), np.float32)
        encoder = _opened(self._encoder)
        with failing("run the encoder"):
            encoder.run(pixels, {"latent": latent, "features": features})
        return Encoded(latent, features)

    def decode(self, latent: Floats) -> Decoded:
        """Decode float32 [N, h, w, C]."""
        spec = self.spec
        require(latent, np.dtype(np.float32), (*spec.places, spec.latent_channels), "latents")
        features = np.empty((len(latent), *spec.places, spec.feature_channels), np.float32)
        picture = np.empty((len(latent), *spec.picture_size, 3), np.float32)
        decoder = _opened(self._decoder)
        with failing("run the decoder"):
            decoder.run(latent, {"features": features, "picture": picture})
        return Decoded(features, picture)

    def close(self) -> None:
        """Release the compiled networks."""
        self._encoder = self._decoder = None

    def _compiled(self, part: str, model: bytes, shape: list[int]) -> Compiled:
        compiled = (
            self._compile(model, shape) if self._cache is None else self._from_cache(self._cache, part, model, shape)
        )
        return Compiled(compiled, self._callers, self._streams)

    def _from_cache(self, cache: EngineCache, part: str, model: bytes, shape: list[int]) -> Any:
        fresh: list[Any] = []

        def build() -> bytes:
            fresh.append(self._compile(model, shape))
            return _exported(fresh[0])

        key = self._key(part, model, shape)
        engine = cache.load_or_build(key, build)
        if fresh:
            return fresh[0]
        try:
            return self._core.import_model(io.BytesIO(engine), _DEVICE, self._settings())
        except RuntimeError:  # whole, and yet not to this OpenVINO's liking
            cache.discard(key)
            return self._compile(model, shape)

    def _compile(self, model: bytes, shape: list[int]) -> Any:
        graph = self._core.read_model(model)
        normalise_first(graph)
        graph.reshape(shape)
        return self._core.compile_model(graph, _DEVICE, self._settings())

    def _settings(self) -> dict[str, Any]:
        fastest = _start()[1].precisions[0]
        return {
            "PERFORMANCE_HINT": "LATENCY" if self._streams == 1 else "THROUGHPUT",
            "NUM_STREAMS": self._streams,
            "INFERENCE_NUM_THREADS": self._threads,
            # What of an int8 network is not int8 runs in the fastest float format.
            "INFERENCE_PRECISION_HINT": fastest if self._precision == "int8" else self._precision,
            "ENABLE_CPU_PINNING": False,  # pinned threads of two daemons on one machine fight for the same core
        }

    def _key(self, part: str, model: bytes, shape: list[int]) -> dict[str, str]:
        return key_of(
            self._network,
            self._precision,
            f"{self._info.device}, {_features()}",
            runtime=f"openvino {metadata.version('openvino')}",
            part=part,
            file=hashlib.sha256(model).hexdigest()[:16],
            shape="x".join(map(str, shape)),
            options=str(sorted(self._settings().items())),
        )


def processor() -> Processor:
    """Describe the processor as OpenVINO sees it. Raises `EngineError` when OpenVINO cannot start."""
    return _start()[1]


def default_threads() -> int:
    """All cores but one, which the decoding threads need; at most 8."""
    return min(_MOST_THREADS, max(1, len(os.sched_getaffinity(0)) - 1))


def _start() -> tuple[Any, Processor]:
    with failing("start OpenVINO"):
        core = openvino_core()
        able = core.get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES")
        name = " ".join(str(core.get_property(_DEVICE, "FULL_DEVICE_NAME")).split())
    return core, Processor(name, ("bf16", "f32") if "BF16" in able else ("f32",))


def _features() -> str:
    """A short hash of what the processor can do: virtual machines of one name differ in it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(errors="replace").splitlines() if cpuinfo.exists() else []
    flags = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    return hashlib.sha256(" ".join(sorted(flags.split())).encode()).hexdigest()[:12]


def _exported(compiled: Any) -> bytes:
    stream = compiled.export_model()
    return bytes(stream.getvalue() if isinstance(stream, io.BytesIO) else stream)


def _opened(network: Compiled | None) -> Compiled:
    if network is None:
        raise EngineError("the engine is not open: call open() first, on the thread that uses it")
    return network


def require(array: NDArray[Any], dtype: np.dtype[Any], shape: tuple[int, ...], what: str) -> None:
    """Refuse an array that is not `dtype` [N, *shape]. Raises `EngineError`."""
    if array.dtype != dtype or array.shape[1:] != shape:
        wanted = "x".join(map(str, shape))
        raise EngineError(f"{what} are {array.dtype} {array.shape}: the network takes {dtype} N x {wanted}")


@contextmanager
def failing(doing: str) -> Iterator[None]:
    """Tell a runtime's failures, which are RuntimeErrors of many lines, as an `EngineError` of one."""
    try:
        yield
    except (RuntimeError, TypeError, ValueError, KeyError) as error:
        reason = next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), "no reason given")
        raise EngineError(f"cannot {doing} ({reason}): see `vigil doctor`") from error
