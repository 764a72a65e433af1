"""The network on a CPU, compiled by OpenVINO."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from engines.contract import Decoded, Encoded, EngineInfo, Floats, NetworkSpec, Pixels
from engines.errors import EngineError
from engines.network.files import Network
from engines.runtime.core import openvino_core

Precision = Literal["f32", "bf16"]
_DEVICE: Final = "CPU"
_MOST_THREADS: Final = 8
"""A network of half a GFLOP gains nothing from more."""


@dataclass(frozen=True, slots=True)
class Processor:
    """What computes."""

    name: str
    precisions: tuple[Precision, ...]
    """What it computes in natively, fastest first."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A compiled network with the one request that its thread uses."""

    request: Any
    outputs: dict[str, int]

    def __call__(self, inputs: NDArray[Any]) -> dict[str, Floats]:
        """Infer one frame; OpenVINO releases the interpreter's lock meanwhile."""
        self.request.get_input_tensor().data[:] = inputs
        self.request.infer()
        return {name: self.request.get_output_tensor(index).data for name, index in self.outputs.items()}


class OpenVinoEngine:
    """An `engines.contract.Engine` on the CPU.

    Both networks are compiled for a batch of one and a batch is a loop: on a CPU batching gains little (it slows
    float32 down), no size ever needs recompiling, and a frame's result cannot depend on its neighbours.
    Raises `EngineError`.
    """

    def __init__(self, network: Network, *, precision: Literal["auto"] | Precision = "auto", threads: int = 0) -> None:
        self._network = network
        self._threads = threads or default_threads()
        self._core, processor = _start()
        if precision == "bf16" and "bf16" not in processor.precisions:
            raise EngineError(f"{processor.name} has no bf16 arithmetic: set the engine's precision to auto or f32")
        self._precision: Precision = processor.precisions[0] if precision == "auto" else precision
        self._info = EngineInfo("openvino", processor.name, self._precision, network.id)
        self._encoder: _Compiled | None = None
        self._decoder: _Compiled | None = None

    @property
    def info(self) -> EngineInfo:
        """Which engine this is."""
        return self._info

    @property
    def spec(self) -> NetworkSpec:
        """Sizes of the network's tensors."""
        return self._network.spec

    def open(self) -> None:
        """Compile both networks and run each once."""
        spec = self.spec
        with _failing("compile the network"):
            self._encoder = self._compile(self._network.encoder, [1, *spec.input_size, 3])
            self._decoder = self._compile(self._network.decoder, [1, *spec.places, spec.latent_channels])
        self.encode(np.zeros((1, *spec.input_size, 3), np.uint8))
        self.decode(np.zeros((1, *spec.places, spec.latent_channels), np.float32))

    def encode(self, pixels: Pixels) -> Encoded:
        """Encode uint8 [N, H, W, 3]."""
        spec = self.spec
        _require(pixels, np.dtype(np.uint8), (*spec.input_size, 3), "pixels")
        latent = np.empty((len(pixels), *spec.places, spec.latent_channels), np.float32)
        features = np.empty((len(pixels), *spec.places, spec.feature_channels), np.float32)
        encoder = _opened(self._encoder)
        with _failing("run the encoder"):
            for index in range(len(pixels)):
                made = encoder(pixels[index : index + 1])
                latent[index], features[index] = made["latent"][0], made["features"][0]
        return Encoded(latent, features)

    def decode(self, latent: Floats) -> Decoded:
        """Decode float32 [N, h, w, C]."""
        spec = self.spec
        _require(latent, np.dtype(np.float32), (*spec.places, spec.latent_channels), "latents")
        features = np.empty((len(latent), *spec.places, spec.feature_channels), np.float32)
        picture = np.empty((len(latent), *spec.picture_size, 3), np.float32)
        decoder = _opened(self._decoder)
        with _failing("run the decoder"):
            for index in range(len(latent)):
                made = decoder(latent[index : index + 1])
                features[index], picture[index] = made["features"][0], made["picture"][0]
        return Decoded(features, picture)

    def close(self) -> None:
        """Release the compiled networks."""
        self._encoder = self._decoder = None

    def _compile(self, model: bytes, shape: list[int]) -> _Compiled:
        graph = self._core.read_model(model)
        graph.reshape(shape)
        compiled = self._core.compile_model(
            graph,
            _DEVICE,
            {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_NUM_THREADS": self._threads,
                "INFERENCE_PRECISION_HINT": self._precision,
                "ENABLE_CPU_PINNING": False,  # pinned threads of two daemons on one machine fight for the same core
            },
        )
        names = {output.any_name: index for index, output in enumerate(compiled.outputs)}
        return _Compiled(compiled.create_infer_request(), names)


def processor() -> Processor:
    """Describe the processor as OpenVINO sees it. Raises `EngineError` when OpenVINO cannot start."""
    return _start()[1]


def default_threads() -> int:
    """All cores but one, which the decoding threads need; at most 8."""
    return min(_MOST_THREADS, max(1, len(os.sched_getaffinity(0)) - 1))


def _start() -> tuple[Any, Processor]:
    with _failing("start OpenVINO"):
        core = openvino_core()
        able = core.get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES")
        name = " ".join(str(core.get_property(_DEVICE, "FULL_DEVICE_NAME")).split())
    return core, Processor(name, ("bf16", "f32") if "BF16" in able else ("f32",))


def _opened(network: _Compiled | None) -> _Compiled:
    if network is None:
        raise EngineError("the engine is not open: call open() first, on the thread that uses it")
    return network


def _require(array: NDArray[Any], dtype: np.dtype[Any], shape: tuple[int, ...], what: str) -> None:
    if array.dtype != dtype or array.shape[1:] != shape:
        wanted = "x".join(map(str, shape))
        raise EngineError(f"{what} are {array.dtype} {array.shape}: the network takes {dtype} N x {wanted}")


@contextmanager
def _failing(doing: str) -> Iterator[None]:
    """Tell OpenVINO's failures, which are RuntimeErrors of many lines, as an `EngineError` of one."""
    try:
        yield
    except (RuntimeError, TypeError, ValueError, KeyError) as error:
        reason = next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), "no reason given")
        raise EngineError(f"cannot {doing} ({reason}): see `vigil doctor`") from error
