"""One network of the two, deserialised by TensorRT and run through a ring of buffers."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineError
from engines.runtime.cuda import Device, Graph
from engines.runtime.cuda_ring import Port, Slot, Times
from engines.runtime.cuda_schedule import schedule, sizes_up_to
from engines.runtime.tensorrt_api import Engine, ExecutionContext, Release, Runtime
from engines.runtime.tensorrt_log import TensorRtLog, tensorrt_log
from engines.runtime.tensorrt_plan import BatchProfile, profile_for

_log = logging.getLogger("vigil.engine")

_TYPES: Final = {"UINT8": np.dtype(np.uint8), "FLOAT": np.dtype(np.float32)}


class _Launcher:
    """Runs batches of one size in one slot: shape, addresses and context never change, so a graph can be captured.

    A graph holds the shapes, the addresses and the execution context that it was captured with; a context of its own
    for each (slot, size) keeps it valid for good. Their working memory is the slot's: on one stream no two run at once.
    """

    def __init__(self, device: Device, context: ExecutionContext, stream: int, log: TensorRtLog) -> None:
        self._device, self._context, self._stream, self._log = device, context, stream, log
        self._graph: Graph | None = None

    @property
    def captured(self) -> bool:
        """Whether it launches a graph."""
        return self._graph is not None

    def launch(self) -> None:
        """Give the network to the slot's stream."""
        if self._graph is not None:
            self._graph.launch(self._stream)
        else:
            self._enqueue()

    def run_once(self) -> None:
        """Run and wait: TensorRT loads kernels and settles shapes the first time, which must not be captured."""
        self.launch()
        self._device.wait(self._stream)

    def capture(self) -> None:
        """Record a graph; `run_once` must have come before. Raises `EngineError` when it cannot be captured."""
        with self._log.during("capture the network"), self._device.capture(self._stream) as graph:
            self._enqueue()
        self._graph = graph

    def close(self) -> None:
        """Destroy the graph, which must not outlive the context that it was captured of."""
        if self._graph is not None:
            self._graph.close()

    def _enqueue(self) -> None:
        self._log.require(self._context.execute_async_v3(self._stream), "run the network")


class TensorRtPart:
    """An encoder or a decoder on a device. Everything is called with the device's context current.

    Raises `EngineError` when the plan does not fit this TensorRT, this device or these ports.
    """

    def __init__(
        self,
        device: Device,
        release: Release,
        plan: bytes,
        ports: tuple[Port, ...],
        profiles: tuple[BatchProfile, ...],
        slots: int,
    ) -> None:
        """Deserialise `plan`, whose input is the first of `ports` and whose outputs are the others."""
        self._device, self._release, self._profiles = device, release, profiles
        self._log = tensorrt_log(release)
        self._most = max(profile.most for profile in profiles)
        self._source, *self._results = ports
        self._runtime: Runtime | None = None
        self._engine: Engine | None = None
        self._slots: list[Slot] = []
        self._launchers: dict[tuple[int, int], _Launcher] = {}
        try:
            with self._log.during("load the engine"):
                self._load(plan, slots)
        except BaseException:
            self.close()
            raise

    def _load(self, plan: bytes, slots: int) -> None:
        # A runtime must outlive its engines (NvInferRuntime.h, IRuntime).
        self._runtime = self._release.module.Runtime(self._log.logger)
        self._log.require(self._runtime, "start")
        self._engine = self._runtime.deserialize_cuda_engine(plan) if self._runtime else None
        self._log.require(self._engine, "load the engine")
        assert self._engine is not None
        _check(self._engine, self._source, self._results, len(self._profiles))
        scratch = int(self._engine.device_memory_size_v2)
        for index in range(slots):
            slot = Slot(self._device, self._source, self._results, self._most, scratch)
            self._slots.append(slot)
            for size in sizes_up_to(self._most):
                context = self._context(slot, size, scratch)
                self._launchers[index, size] = _Launcher(self._device, context, slot.stream, self._log)

    def warm_up(self, *, graphs: bool) -> int:
        """Run every size in every slot, and capture graphs; returns how many were.

        Where a network cannot be captured it runs without: slower for small batches, never wrong.
        """
        self.run(np.zeros((len(self._slots) * self._most, *self._source.frame), self._source.dtype))
        for launcher in self._launchers.values():
            launcher.run_once()
        try:
            for launcher in self._launchers.values() if graphs else ():
                launcher.capture()
        except EngineError as error:
            _log.warning("no CUDA graphs: %s", error)
        return sum(launcher.captured for launcher in self._launchers.values())

    def run(self, frames: NDArray[Any]) -> tuple[dict[str, NDArray[Any]], Times]:
        """Pass [N, *frame] through the network: results by name, row i of each is frame i's, and device seconds."""
        made = {port.name: np.empty((len(frames), *port.frame), port.dtype) for port in self._results}
        total = Times()
        with self._log.during("run the network"):
            for step in schedule(len(frames), self._most, len(self._slots)):
                slot = self._slots[step.slot]
                if step.what == "fill":
                    slot.upload(frames[step.start : step.start + step.size])
                    self._launchers[step.slot, step.size].launch()
                    slot.download(step.size)
                else:
                    total += slot.drain(made, step.start, step.size)
        return made, total

    def close(self) -> None:
        """Let go of TensorRT's objects, contexts before their engine; buffers are the device's to free."""
        try:
            for slot in self._slots:
                self._device.wait(slot.stream)
            for launcher in self._launchers.values():
                launcher.close()
        finally:
            self._launchers.clear()
            self._slots.clear()
            self._engine = self._runtime = None

    def _context(self, slot: Slot, size: int, scratch: int) -> ExecutionContext:
        """An execution context for batches of `size` in `slot`."""
        strategy = self._release.module.ExecutionContextAllocationStrategy.USER_MANAGED
        require = self._log.require
        assert self._engine is not None
        context: ExecutionContext | None = self._engine.create_execution_context(strategy)
        require(context, "create an execution context")
        assert context is not None
        if scratch:
            context.set_device_memory(slot.scratch, scratch)
        profile = profile_for(self._profiles, size)
        require(context.set_optimization_profile_async(profile, slot.stream), f"choose profile {profile}")
        self._device.wait(slot.stream)
        require(context.set_input_shape(self._source.name, (size, *self._source.frame)), f"take {size} frames")
        for name, address in slot.addresses.items():
            require(context.set_tensor_address(name, address), f"use the buffer of {name}")
        if unknown := context.infer_shapes():
            raise self._log.error(f"take {size} frames", f"unknown shapes: {', '.join(unknown)}")
        return context


def _check(engine: Engine, source: Port, results: Iterable[Port], profiles: int) -> None:
    """Refuse an engine whose ports are not those of the network. Raises `EngineError`."""
    wanted = {port.name: (port.name == source.name, port.frame, port.dtype) for port in (source, *results)}
    found = {}
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        takes = str(engine.get_tensor_mode(name).name) == "INPUT"
        dtype = _TYPES.get(str(engine.get_tensor_dtype(name).name))
        found[name] = (takes, tuple(engine.get_tensor_shape(name))[1:], dtype)
    if found != wanted:
        raise EngineError(f"the engine is of another network (it has {found}, wanted are {wanted})")
    if engine.num_optimization_profiles != profiles:
        raise EngineError(
            f"the engine has {engine.num_optimization_profiles} profiles, not {profiles}: clear the cache"
        )
