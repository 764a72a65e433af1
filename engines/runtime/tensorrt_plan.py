"""ONNX to a serialised TensorRT engine, which TensorRT calls a plan."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from engines.errors import EngineError
from engines.runtime.tensorrt_api import Builder, BuilderConfig, NetworkDefinition, Parser, Release, load_tensorrt
from engines.runtime.tensorrt_log import TensorRtLog, tensorrt_log
from engines.runtime.tensorrt_onnx import for_tensorrt, operators

TensorRtPrecision = Literal["f32", "f16", "bf16", "int8"]
_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class BatchProfile:
    """Batch sizes that an engine is tuned for, 1 <= least <= usual <= most. Raises `EngineError` for others."""

    least: int
    usual: int
    """The size that kernels are chosen at."""
    most: int

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.usual <= self.most:
            raise EngineError(f"a batch profile of {self.least}, {self.usual}, {self.most} frames makes no sense")

    def __str__(self) -> str:
        return f"{self.least}/{self.usual}/{self.most}"

    def takes(self, size: int) -> bool:
        """Whether a batch of `size` frames fits."""
        return self.least <= size <= self.most


def profiles_up_to(most: int) -> tuple[BatchProfile, ...]:
    """One frame alone, which latency hangs on, and all sizes up to `most`, tuned at `most`."""
    alone = BatchProfile(1, 1, 1)
    return (alone,) if most == 1 else (alone, BatchProfile(1, most, most))


def profile_for(profiles: tuple[BatchProfile, ...], size: int) -> int:
    """The index of the narrowest profile that takes a batch of `size`. Raises `EngineError` when none does."""
    fitting = [index for index, profile in enumerate(profiles) if profile.takes(size)]
    if not fitting:
        told = ", ".join(map(str, profiles))
        raise EngineError(f"no profile takes a batch of {size} (there are {told}): raise the engine's largest batch")
    return min(fitting, key=lambda index: profiles[index].most - profiles[index].least)


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """How a plan is built."""

    precision: TensorRtPrecision = "f16"
    profiles: tuple[BatchProfile, ...] = profiles_up_to(8)
    workspace_mib: int = 512
    """The most that a kernel may use for itself; the networks that ship use less than 64."""
    effort: int = 3
    """TensorRT's builder optimisation level, 0 (fastest build) to 5."""
    capabilities: tuple[str, ...] = field(default=())
    """TensorRT for RTX only: the compute capabilities to build for, as `8.6`; empty is the GPU at hand."""

    def key(self) -> dict[str, str]:
        """What the plan depends on, as parts of a cache's key."""
        return {
            "precision": self.precision,
            "profiles": " ".join(map(str, self.profiles)),
            "workspace": f"{self.workspace_mib} MiB",
            "effort": str(self.effort),
            "capabilities": " ".join(self.capabilities),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """A serialised engine, and what was learnt on the way for the next build."""

    engine: bytes
    timings: bytes
    """TensorRT's timing cache, serialised; empty where there is none."""
    seconds: float


def build_plan(onnx: bytes, options: PlanOptions, release: Release | None = None) -> bytes:
    """Build the engine of an ONNX network. Raises `EngineError` with TensorRT's own words."""
    return make_plan(onnx, options, release).engine


def make_plan(onnx: bytes, options: PlanOptions, release: Release | None = None, timings: bytes = b"") -> Plan:
    """Build the engine of an ONNX network, using the timing cache of an earlier build.

    Every network is strongly typed: f16 and bf16 are written into the file beforehand, int8 must be there already as
    QuantizeLinear and DequantizeLinear. Raises `EngineError` with TensorRT's own words.
    """
    release = release or load_tensorrt()
    model = _typed(onnx, options.precision)
    log = tensorrt_log(release)
    began = time.monotonic()
    with log.during("build the network"):
        trt = release.module
        builder: Builder = trt.Builder(log.logger)
        network: NetworkDefinition = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
        log.require(network, "create a network")
        _parse(trt.OnnxParser(network, log.logger), model, log)
        config: BuilderConfig = builder.create_builder_config()
        log.require(config, "create a builder configuration")
        _configure(config, options, release, log)
        for profile in options.profiles:
            _add_profile(builder, network, config, profile, release, log)
        if release.has_timing_cache:
            cache = config.create_timing_cache(timings)
            # A cache of another device or version is refused: an empty one does as well.
            if cache is None or not config.set_timing_cache(cache, ignore_mismatch=False):
                log.require(config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False), "time")
        made = builder.build_serialized_network(network, config)
        log.require(made, "build the engine")
        return Plan(bytes(made), _timings(config, release), time.monotonic() - began)


def plan_key(onnx: bytes, options: PlanOptions, release: Release) -> Mapping[str, str]:
    """All that a plan depends on but the device it is built on, as parts of a cache's key."""
    return {
        "runtime": f"{release.flavour} {release.version}",
        "file": hashlib.sha256(onnx).hexdigest()[:16],
        **options.key(),
    }


def _typed(onnx: bytes, precision: TensorRtPrecision) -> bytes:
    """The file with its precision in it."""
    if precision == "int8":
        if not operators(onnx) & {"QuantizeLinear", "DequantizeLinear"}:
            raise EngineError("the network was never quantised: run `vigil quantise` or set the precision to auto")
        return for_tensorrt(onnx, None)
    return for_tensorrt(onnx, None if precision == "f32" else precision)


def _parse(parser: Parser, model: bytes, log: TensorRtLog) -> None:
    if not parser.parse(model):
        said = [str(parser.get_error(index).desc()) for index in range(parser.num_errors)]
        raise log.error("read the network", *said)


def _configure(config: BuilderConfig, options: PlanOptions, release: Release, log: TensorRtLog) -> None:
    trt = release.module
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mib * _MIB)
    if options.precision == "f32":
        config.clear_flag(trt.BuilderFlag.TF32)  # on by default: float32 with the mantissa of f16
    if release.rtx:
        _aim(config, options.capabilities, trt, log)
        return
    config.builder_optimization_level = options.effort
    if options.capabilities:
        raise EngineError("TensorRT builds for the GPU at hand only: leave the compute capabilities out")


def _aim(config: Any, capabilities: tuple[str, ...], trt: Any, log: TensorRtLog) -> None:
    """Name the devices that an engine of TensorRT for RTX is for."""
    names = [f"SM{each.replace('.', '')}" for each in capabilities] or ["CURRENT"]
    known = trt.ComputeCapability.__members__
    if missing := [name for name in names if name not in known]:
        raise EngineError(f"TensorRT for RTX builds for none of {', '.join(missing)}: it knows {', '.join(known)}")
    config.num_compute_capabilities = len(names)
    for index, name in enumerate(names):
        log.require(config.set_compute_capability(known[name], index), f"build for {name}")


def _add_profile(
    builder: Builder,
    network: NetworkDefinition,
    config: BuilderConfig,
    profile: BatchProfile,
    release: Release,
    log: TensorRtLog,
) -> None:
    made = builder.create_optimization_profile()
    log.require(made, "create an optimisation profile")
    dims = release.module.Dims
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        frame = tuple(tensor.shape)[1:]
        if any(size < 1 for size in frame):
            raise EngineError(f"input {tensor.name} of the network has no fixed size but its batch: export it again")
        made.set_shape(tensor.name, *(dims([size, *frame]) for size in (profile.least, profile.usual, profile.most)))
    if config.add_optimization_profile(made) < 0:
        raise log.error(f"tune for batches of {profile}")


def _timings(config: BuilderConfig, release: Release) -> bytes:
    cache = config.get_timing_cache() if release.has_timing_cache else None
    return b"" if cache is None else bytes(cache.serialize())
