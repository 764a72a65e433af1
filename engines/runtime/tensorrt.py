"""The network on an NVIDIA GPU, compiled by TensorRT."""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from engines.contract import Decoded, DevicePart, Encoded, EngineInfo, Floats, NetworkSpec, Pixels
from engines.errors import EngineError
from engines.network.files import Network
from engines.runtime.cache import EngineCache, key_of
from engines.runtime.cuda import CudaDevice, Device
from engines.runtime.cuda_ring import Port, Times
from engines.runtime.cuda_schedule import largest_piece
from engines.runtime.openvino import require
from engines.runtime.tensorrt_api import Release, load_tensorrt
from engines.runtime.tensorrt_part import TensorRtPart
from engines.runtime.tensorrt_plan import (
    PlanOptions,
    TensorRtPrecision,
    build_plan,
    make_plan,
    plan_key,
    profiles_up_to,
)

__all__ = ["Gpu", "PlanOptions", "TensorRtEngine", "TensorRtPrecision", "build_plan", "find_gpu"]

_log = logging.getLogger("vigil.engine")

_FAST_HALF: Final = (7, 0)
"""From this compute capability on (Volta) a GPU multiplies matrices of f16."""
_HAS_BF16: Final = (8, 0)
_HAS_INT8: Final = (7, 5)


SLOTS: Final = 2
"""Buffers in the ring, and streams: one piece of a batch computes while another one is copied."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """What an engine runs on."""

    device: Device
    """One engine's own: it opens and closes it. Several on one GPU share its primary context all the same."""
    release: Release
    """The TensorRT that is installed."""


def find_gpu(index: int = 0) -> Gpu:
    """Find TensorRT, pycuda and the GPU of that index. Raises `EngineError`, saying which of them is missing."""
    return Gpu(release=load_tensorrt(), device=CudaDevice(index))


class TensorRtEngine:
    """An `engines.contract.Engine` on an NVIDIA GPU. Raises `EngineError`.

    A batch of any size is cut into pieces of powers of two, which go through a ring of `SLOTS` page-locked buffers,
    each with a stream of its own. It belongs to the thread that opened it.
    """

    def __init__(
        self,
        network: Network,
        *,
        precision: Literal["auto"] | TensorRtPrecision = "auto",
        max_batch: int = 16,
        graphs: bool = True,
        cache: EngineCache | None = None,
        gpu: Gpu | None = None,
    ) -> None:
        """Run `network` on `gpu`, by default what `find_gpu` finds.

        `auto` is f16 where the GPU has it. Batches of `max_batch` use every slot once; larger ones go through in turns.
        `graphs` launches by CUDA graphs.
        """
        self._network, self._graphs, self._cache = network, graphs, cache
        gpu = gpu or find_gpu()
        self._device, self._release = gpu.device, gpu.release
        chosen = _chosen(precision, self._device, network)
        self._options = PlanOptions(precision=chosen, profiles=profiles_up_to(largest_piece(max_batch, SLOTS)))
        self._info = EngineInfo("tensorrt", self._device.name, chosen, network.id)
        self._encoder: TensorRtPart | None = None
        self._decoder: TensorRtPart | None = None
        self._times = Times()

    @property
    def info(self) -> EngineInfo:
        """Which engine this is."""
        return self._info

    @property
    def spec(self) -> NetworkSpec:
        """Sizes of the network's tensors."""
        return self._network.spec

    def open(self) -> None:
        """Build both networks' engines, or take them from the cache, and warm up."""
        encoder, decoder = self._network.files(self._options.precision)
        self._device.open()
        try:
            with self._device.active():
                self._encoder = self._loaded("encoder", encoder, encoder_ports(self.spec))
                self._decoder = self._loaded("decoder", decoder, decoder_ports(self.spec))
                captured = sum(part.warm_up(graphs=self._graphs) for part in (self._encoder, self._decoder))
        except BaseException as error:
            _let_go(error)
            self.close()
            raise
        _log.info("TensorRT %s on %s: %d CUDA graphs", self._release.version, self._device.name, captured)

    def encode(self, pixels: Pixels) -> Encoded:
        """Encode uint8 [N, H, W, 3]."""
        require(pixels, np.dtype(np.uint8), (*self.spec.input_size, 3), "pixels")
        made = self._run(self._encoder, pixels)
        return Encoded(made["latent"], made["features"])

    def decode(self, latent: Floats) -> Decoded:
        """Decode float32 [N, h, w, C]."""
        spec = self.spec
        require(latent, np.dtype(np.float32), (*spec.places, spec.latent_channels), "latents")
        made = self._run(self._decoder, latent)
        return Decoded(made["features"], made["picture"])

    def take_times(self) -> dict[DevicePart, float]:
        """Seconds that the device spent since the last call, by its own clock; empty when it was not used."""
        times, self._times = self._times, Times()
        if times == Times():
            return {}
        return {"upload": times.upload, "compute": times.compute, "download": times.download}

    def close(self) -> None:
        """Release TensorRT's objects, then the buffers, then the context."""
        parts = [part for part in (self._decoder, self._encoder) if part is not None]
        self._encoder = self._decoder = None
        for part in parts:
            try:
                with self._device.active():
                    part.close()
            except EngineError as error:  # a device that failed says so again
                _log.warning("cannot tidy up after TensorRT: %s", error)
        self._device.close()

    def _run(self, part: TensorRtPart | None, frames: NDArray[Any]) -> dict[str, NDArray[Any]]:
        if part is None:
            raise EngineError("the engine is not open: call open() first, on the thread that uses it")
        with self._device.active():
            made, times = part.run(frames)
        self._times += times
        return made

    def _loaded(self, name: str, onnx: bytes, ports: tuple[Port, ...]) -> TensorRtPart:
        """A network on the device, by a plan from the cache if there is one that this TensorRT takes."""
        build = partial(self._build, name, onnx)
        if self._cache is None:
            return self._part(build(), ports)
        key = self._key(name, onnx)
        plan = self._cache.load_or_build(key, build)
        try:
            return self._part(plan, ports)
        except EngineError as error:  # whole, and yet not to this TensorRT's or this driver's liking
            _log.warning("building the %s again: %s", name, error)
            self._cache.discard(key)
            return self._part(self._cache.load_or_build(key, build), ports)

    def _build(self, name: str, onnx: bytes) -> bytes:
        """Build a plan by what earlier builds on this device learnt, and keep what this one did."""
        key = self._timings_key()
        known = (self._cache.load(key) if self._cache else None) or b""
        plan = make_plan(onnx, self._options, self._release, known)
        _log.info("TensorRT built the %s in %.1f s", name, plan.seconds)
        if self._cache is not None and plan.timings not in (b"", known):
            self._cache.store(key, plan.timings)
        return plan.engine

    def _part(self, plan: bytes, ports: tuple[Port, ...]) -> TensorRtPart:
        return TensorRtPart(self._device, self._release, plan, ports, self._options.profiles, SLOTS)

    def _key(self, part: str, onnx: bytes) -> dict[str, str]:
        more = {**plan_key(onnx, self._options, self._release), "part": part}
        precision = more.pop("precision")
        return key_of(self._network, precision, self._target(), **more)

    def _timings_key(self) -> dict[str, str]:
        """Of how long kernels take on this device: whatever the network, TensorRT needs to measure each but once."""
        return {"part": "timings", "device": self._target(), "runtime": f"tensorrt {self._release.version}"}

    def _target(self) -> str:
        major, minor = self._device.capability
        return f"{self._device.name}, compute {major}.{minor}"


def encoder_ports(spec: NetworkSpec) -> tuple[Port, ...]:
    """The encoder's input and outputs."""
    return (
        Port("pixels", (*spec.input_size, 3), np.dtype(np.uint8)),
        Port("latent", (*spec.places, spec.latent_channels), np.dtype(np.float32)),
        Port("features", (*spec.places, spec.feature_channels), np.dtype(np.float32)),
    )


def decoder_ports(spec: NetworkSpec) -> tuple[Port, ...]:
    """The decoder's input and outputs."""
    return (
        Port("latent", (*spec.places, spec.latent_channels), np.dtype(np.float32)),
        Port("features", (*spec.places, spec.feature_channels), np.dtype(np.float32)),
        Port("picture", (*spec.picture_size, 3), np.dtype(np.float32)),
    )


def _let_go(error: BaseException | None) -> None:
    """Clear the frames that an error still holds: TensorRT's objects in them must go before the context does."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _chosen(precision: str, device: Device, network: Network) -> TensorRtPrecision:
    """The precision to build at. Raises `EngineError` when the GPU or the network has not what is asked for."""
    able = device.capability
    if precision == "auto":
        return "f16" if able >= _FAST_HALF else "f32"
    if precision == "bf16" and able < _HAS_BF16:
        raise EngineError(f"{device.name} has no bf16 arithmetic: set the engine's precision to auto, f16 or f32")
    if precision == "int8" and able < _HAS_INT8:
        raise EngineError(f"{device.name} has no int8 tensor cores: set the engine's precision to auto, f16 or f32")
    network.files(precision)  # refused before anything is built
    known: dict[str, TensorRtPrecision] = {"f32": "f32", "f16": "f16", "bf16": "bf16", "int8": "int8"}
    return known[precision]
