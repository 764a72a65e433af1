"""The parts of TensorRT that the engine calls, made of OpenVINO, on a `StandInDevice`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engines.runtime.core import openvino_core
from engines.runtime.tensorrt_api import Release
from tests.engines.runtime.standin import StandInDevice


class StandInTensorRt:
    """The execution half of TensorRT: a plan is an ONNX file, which OpenVINO runs in float32."""

    def __init__(self, device: StandInDevice) -> None:
        self.device = device
        self.alive = 0
        self.enqueued = 0
        self.timings_given: list[bytes] = []
        """What each build was given as a timing cache."""
        self.refuse: Literal["", "build", "plan", "run", "profile"] = ""
        self.logger: Any = None
        module: Any = ModuleType("tensorrt")
        module.ILogger = _Logger
        module.Runtime = self._runtime
        module.Builder, module.OnnxParser, module.Dims = self._builder, _Parser, list
        module.NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=1)
        module.MemoryPoolType = SimpleNamespace(WORKSPACE="workspace")
        module.BuilderFlag = SimpleNamespace(TF32="tf32")
        module.ExecutionContextAllocationStrategy = SimpleNamespace(USER_MANAGED="user managed")
        self.module = module

    @property
    def release(self) -> Release:
        return Release(self.module, "tensorrt", "11.0.0")

    def complain(self, message: str) -> None:
        self.logger.log(SimpleNamespace(name="ERROR"), message)

    def _builder(self, logger: Any) -> Any:
        self.logger = logger
        return _Builder(self)

    def _runtime(self, logger: Any) -> Any:
        self.logger = logger
        return SimpleNamespace(deserialize_cuda_engine=self._engine)

    def _engine(self, plan: bytes) -> Any:
        if self.refuse == "plan" or not plan.startswith(b"\x08"):
            self.complain("IRuntime::deserializeCudaEngine: Error Code 6: the plan is of another version")
            return None
        return _Engine(self, plan)


@cache
def _compiled(plan: bytes) -> Any:
    core = openvino_core()
    return core.compile_model(core.read_model(plan), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


class _Logger:
    def __init__(self) -> None:
        pass


class _Counted:
    """Something of TensorRT's that must be gone before the device is."""

    def __init__(self, trt: StandInTensorRt) -> None:
        self.trt = trt
        trt.alive += 1

    def __del__(self) -> None:
        self.trt.alive -= 1


class _Builder:
    """Makes a plan of a network by keeping its file, and a timing cache that grows with each."""

    def __init__(self, trt: StandInTensorRt) -> None:
        self.trt = trt

    def create_network(self, flags: int) -> Any:
        assert flags == 2, "strongly typed"
        port = SimpleNamespace(name="", shape=(-1, 8, 8, 3))
        return SimpleNamespace(num_inputs=1, get_input=lambda _: port, model=b"")

    def create_builder_config(self) -> Any:
        return _Config(self.trt)

    def create_optimization_profile(self) -> Any:
        return SimpleNamespace(set_shape=lambda *_: None)

    def build_serialized_network(self, network: Any, config: _Config) -> bytes | None:
        if self.trt.refuse == "build":
            self.trt.complain("IBuilder::buildSerializedNetwork: Error Code 10: could not find any implementation")
            return None
        assert config.profiles
        config.timings += b"."
        return bytes(network.model)


class _Parser:
    num_errors = 0

    def __init__(self, network: Any, logger: Any) -> None:
        self.network = network

    def parse(self, model: bytes) -> bool:
        self.network.model = model
        return True


class _Config:
    builder_optimization_level = 3

    def __init__(self, trt: StandInTensorRt) -> None:
        self.trt, self.profiles, self.timings = trt, 0, b""

    def set_memory_pool_limit(self, pool: str, size: int) -> None:
        assert (pool, size) == ("workspace", 512 << 20)

    def add_optimization_profile(self, profile: Any) -> int:
        self.profiles += 1
        return self.profiles - 1

    def create_timing_cache(self, serialized: bytes) -> bytes | None:
        return None if serialized.startswith(b"another device") else serialized

    def set_timing_cache(self, cache: bytes, *, ignore_mismatch: bool) -> bool:
        assert not ignore_mismatch
        self.trt.timings_given.append(cache)
        self.timings = cache
        return True

    def get_timing_cache(self) -> Any:
        return SimpleNamespace(serialize=lambda: self.timings)


class _Engine(_Counted):
    device_memory_size_v2 = 4096
    num_optimization_profiles = 2

    def __init__(self, trt: StandInTensorRt, plan: bytes) -> None:
        super().__init__(trt)
        self.compiled = _compiled(plan)
        self.ports = [*self.compiled.inputs, *self.compiled.outputs]
        self.num_io_tensors = len(self.ports)

    def get_tensor_name(self, index: int) -> str:
        return str(self.ports[index].any_name)

    def get_tensor_mode(self, name: str) -> Any:
        inputs = {port.any_name for port in self.compiled.inputs}
        return SimpleNamespace(name="INPUT" if name in inputs else "OUTPUT")

    def get_tensor_dtype(self, name: str) -> Any:
        kind = self._port(name).element_type.get_type_name()
        return SimpleNamespace(name={"u8": "UINT8", "f32": "FLOAT"}[kind])

    def get_tensor_shape(self, name: str) -> list[int]:
        return [each.get_length() if each.is_static else -1 for each in self._port(name).partial_shape]

    def create_execution_context(self, strategy: Any) -> Any:
        assert strategy == "user managed"
        return _Context(self.trt, self)

    def _port(self, name: str) -> Any:
        return next(port for port in self.ports if port.any_name == name)


class _Context(_Counted):
    def __init__(self, trt: StandInTensorRt, engine: _Engine) -> None:
        super().__init__(trt)
        self.engine, self.addresses = engine, dict[str, int]()
        self.shape: tuple[int, ...] = (0,)
        self.request = engine.compiled.create_infer_request()

    def set_device_memory(self, memory: int, size: int) -> None:
        assert len(self.trt.device.memory[memory]) >= size

    def set_optimization_profile_async(self, profile_index: int, stream_handle: int) -> bool:
        return self.trt.refuse != "profile" and profile_index in (0, 1)

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self.shape = shape
        return True

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self.addresses[name] = memory
        return memory in self.trt.device.memory

    def infer_shapes(self) -> list[str]:
        return [] if len(self.shape) > 1 else ["pixels"]

    def execute_async_v3(self, stream_handle: int) -> bool:
        if self.trt.refuse == "run":
            self.trt.complain("IExecutionContext::enqueueV3: Error Code 1: Cuda Runtime (an illegal access)")
            return False
        self.trt.enqueued += 1
        self.trt.device.give(stream_handle, self._compute)
        return True

    def _compute(self) -> None:
        memory = self.trt.device.memory
        port = self.engine.compiled.inputs[0]
        dtype = {"u8": np.uint8, "f32": np.float32}[port.element_type.get_type_name()]
        size = int(np.prod(self.shape)) * np.dtype(dtype).itemsize
        frames = memory[self.addresses[port.any_name]][:size].view(dtype).reshape(self.shape)
        made: Mapping[Any, NDArray[Any]] = self.request.infer([frames])
        for output in self.engine.compiled.outputs:
            data = np.ascontiguousarray(made[output]).reshape(-1).view(np.uint8)
            memory[self.addresses[output.any_name]][: data.size] = data


class Shelf:
    """A cache that knows plans by part, and remembers what was thrown away."""

    def __init__(self, **plans: bytes) -> None:
        self.plans, self.discarded = plans, list[str]()
        self.keys: list[dict[str, str]] = []

    def load_or_build(self, key: Mapping[str, str], build: Callable[[], bytes]) -> bytes:
        self.keys.append(dict(key))
        return self.plans[key["part"]]

    def discard(self, key: Mapping[str, str]) -> None:
        self.discarded.append(key["part"])
