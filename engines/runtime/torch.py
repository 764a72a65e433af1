"""The network by torch: on a CPU as a second opinion, on a GPU compiled ahead of time and replayed as CUDA graphs."""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engines.contract import Decoded, Encoded, EngineInfo, Floats, NetworkSpec, Pixels
from engines.errors import EngineError
from engines.network.files import Network
from engines.runtime.cache import EngineCache, key_of
from engines.runtime.graph import OnnxModule
from engines.runtime.openvino import default_threads, failing, processor, require

_log = logging.getLogger("vigil.engine")

TorchPrecision = Literal["f32", "f16", "bf16", "int8"]
_REAL: Final = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16, "int8": torch.float32}
"""int8 computes in float32 what the int8 numbers stand for: a reference for other runtimes, no faster."""
BATCHES: Final = (1, 2, 4, 8, 16, 32, 64, 128)
"""Sizes that CUDA graphs are captured for; a batch is padded to the next."""
_WARM_UPS: Final = 3

Forward = Callable[[Tensor], Sequence[Tensor]]


class TorchEngine:
    """An `engines.contract.Engine`. Raises `EngineError`.

    On `cuda` the network is compiled by AOTInductor, whose package the cache keeps, and captured as one CUDA graph a
    batch size up to `most`. On `cpu` it runs operator by operator, which is slow and says nothing but what it means.
    """

    def __init__(
        self,
        network: Network,
        *,
        device: Literal["cpu", "cuda"] = "cpu",
        precision: Literal["auto"] | TorchPrecision = "auto",
        compiled: bool | None = None,
        most: int = 32,
        cache: EngineCache | None = None,
    ) -> None:
        """Run `network` on `device`; `auto` is f16 on a GPU, f32 on a CPU. `compiled` is by default what GPUs are."""
        if device == "cuda" and not torch.cuda.is_available():
            raise EngineError("torch sees no CUDA device: set the engine's runtime to auto or openvino")
        self._network, self._device, self._cache = network, torch.device(device), cache
        self._precision: TorchPrecision = precision if precision != "auto" else "f16" if device == "cuda" else "f32"
        self._files = network.files(self._precision)
        self._compiled = device == "cuda" if compiled is None else compiled
        self._sizes = [size for size in BATCHES if size < most] + [most]
        name = torch.cuda.get_device_name() if device == "cuda" else processor().name
        self._info = EngineInfo("torch", name, self._precision, network.id)
        self._encoder: Forward | None = None
        self._decoder: Forward | None = None
        self._threads: int | None = None

    @property
    def info(self) -> EngineInfo:
        """Which engine this is."""
        return self._info

    @property
    def spec(self) -> NetworkSpec:
        """Sizes of the network's tensors."""
        return self._network.spec

    def open(self) -> None:
        """Compile both networks, or take them from the cache, capture them, and run each once."""
        spec, (encoder, decoder) = self.spec, self._files
        if self._device.type == "cpu":
            self._threads = torch.get_num_threads()
            torch.set_num_threads(default_threads())
        pixels = np.zeros((1, *spec.input_size, 3), np.uint8)
        latent = np.zeros((1, *spec.places, spec.latent_channels), np.float32)
        with failing("compile the network"), torch.inference_mode():
            self._encoder = self._prepare("encoder", encoder, torch.from_numpy(pixels))
            self._decoder = self._prepare("decoder", decoder, torch.from_numpy(latent).to(_REAL[self._precision]))
        self.encode(pixels)
        self.decode(latent)

    def encode(self, pixels: Pixels) -> Encoded:
        """Encode uint8 [N, H, W, 3]."""
        require(pixels, np.dtype(np.uint8), (*self.spec.input_size, 3), "pixels")
        return Encoded(*self._run(self._encoder, "encoder", pixels))

    def decode(self, latent: Floats) -> Decoded:
        """Decode float32 [N, h, w, C]."""
        require(latent, np.dtype(np.float32), (*self.spec.places, self.spec.latent_channels), "latents")
        return Decoded(*self._run(self._decoder, "decoder", latent))

    def close(self) -> None:
        """Release the networks and their graphs."""
        self._encoder = self._decoder = None
        if self._threads is not None:
            torch.set_num_threads(self._threads)
            self._threads = None
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _run(self, forward: Forward | None, what: str, inputs: NDArray[Any]) -> list[Floats]:
        if forward is None:
            raise EngineError("the engine is not open: call open() first, on the thread that uses it")
        most = self._sizes[-1]
        parts = [inputs[at : at + most] for at in range(0, len(inputs), most)]
        with failing(f"run the {what}"), torch.inference_mode():
            made = [[_array(tensor) for tensor in forward(_tensor(part))] for part in parts]
        return [np.concatenate(each) if len(each) > 1 else each[0] for each in zip(*made, strict=True)]

    def _prepare(self, part: str, model: bytes, example: Tensor) -> Forward:
        module = OnnxModule(model, _REAL[self._precision]).eval().to(self._device)
        module.lay_channels_last()
        forward: Forward = module
        if self._compiled:
            forward = self._load(part, model, module, example)
        if self._device.type == "cuda":
            return CapturedGraphs(forward, example.to(self._device), self._sizes)
        real = example.dtype
        return lambda x: forward(x if x.dtype == torch.uint8 else x.to(real))

    def _load(self, part: str, model: bytes, module: nn.Module, example: Tensor) -> Forward:
        def build() -> bytes:
            return compile_ahead(module, example.to(self._device), self._sizes[-1])

        if self._cache is None:
            return load_ahead(build())
        key = self._key(part, model)
        try:
            return load_ahead(self._cache.load_or_build(key, build))
        except RuntimeError:  # whole, and yet not to this torch's liking
            self._cache.discard(key)
            return load_ahead(self._cache.load_or_build(key, build))

    def _key(self, part: str, model: bytes) -> dict[str, str]:
        cuda = self._device.type == "cuda"
        capability = (
            ".".join(map(str, torch.cuda.get_device_capability())) if cuda else torch.backends.cpu.get_cpu_capability()
        )
        return key_of(
            self._network,
            self._precision,
            f"{self._info.device}, {capability}",
            runtime=f"torch {torch.__version__}",
            part=part,
            file=hashlib.sha256(model).hexdigest()[:16],
            shape=f"1..{self._sizes[-1]}",
            options="aot-inductor",
        )


def compile_ahead(module: nn.Module, example: Tensor, most: int) -> bytes:
    """Compile a module of one input for batches of 1 to `most` into a package (AOTInductor).

    Raises RuntimeError when torch or the compiler behind it fails.
    """
    batch = torch.export.Dim("batch", min=1, max=most)
    pair = example.repeat(2, *[1] * (example.dim() - 1))
    program = torch.export.export(module, (pair,), dynamic_shapes=({0: batch},))
    with tempfile.TemporaryDirectory() as folder:
        path = torch._inductor.aoti_compile_and_package(program, package_path=str(Path(folder) / "network.pt2"))
        return Path(path).read_bytes()


def load_ahead(package: bytes) -> Forward:
    """Load what `compile_ahead` made. Raises RuntimeError when it does not fit this torch or device."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.pt2"
        path.write_bytes(package)
        # Its own locks and events between threads would be caught in a CUDA graph; an engine has one thread.
        loaded: Forward = torch._inductor.aoti_load_package(str(path), run_single_threaded=True)
        return loaded


@dataclass(frozen=True, slots=True)
class _Captured:
    """One CUDA graph with the tensors that it reads and writes."""

    graph: Any
    entry: Tensor
    exits: tuple[Tensor, ...]
    arrivals: tuple[Tensor, ...]
    """Page-locked: where the results land on the host."""


class CapturedGraphs:
    """A network on a GPU as CUDA graphs, one a batch size: a call is one copy in, one launch, the copies out."""

    def __init__(self, forward: Forward, example: Tensor, sizes: Sequence[int]) -> None:
        """Capture `forward`, which takes [N, ...] of `example`'s kind, for batches of each of `sizes`, rising."""
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self._graphs: dict[int, _Captured] = {}
        for size in reversed(sizes):  # the largest first: the others find room in its memory
            self._graphs[size] = self._capture(forward, example, size)
        self._sizes = tuple(sizes)

    def __call__(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Run [N, ...] on the host: page-locked results, valid until the next call."""
        count = len(inputs)
        captured = self._graphs[next(size for size in self._sizes if size >= count)]
        with torch.cuda.stream(self._stream):
            captured.entry[:count].copy_(inputs, non_blocking=True)
            captured.graph.replay()
            for arrival, made in zip(captured.arrivals, captured.exits, strict=True):
                arrival[:count].copy_(made[:count], non_blocking=True)
        self._stream.synchronize()
        return tuple(arrival[:count] for arrival in captured.arrivals)

    def _capture(self, forward: Forward, example: Tensor, size: int) -> _Captured:
        entry = torch.zeros((size, *example.shape[1:]), dtype=example.dtype, device=example.device)
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            for _ in range(_WARM_UPS):
                forward(entry)
        torch.cuda.current_stream().wait_stream(self._stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream):
            exits = tuple(each.float() for each in forward(entry))
        arrivals = tuple(torch.empty(each.shape, dtype=torch.float32, pin_memory=True) for each in exits)
        return _Captured(graph, entry, exits, arrivals)


def _tensor(array: NDArray[Any]) -> Tensor:
    """A tensor over an array's memory, or over a copy where torch may not have it."""
    return torch.from_numpy(array if array.flags.writeable and array.flags.c_contiguous else array.copy())


def _array(tensor: Tensor) -> Floats:
    """A copy of its own for the caller."""
    return np.array(tensor.float().numpy(), np.float32, order="C")
