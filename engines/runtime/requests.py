"""A network that OpenVINO has compiled, and the requests by which threads use it, several at a time."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engines.contract import Floats

Group: TypeAlias = tuple[Any, ...]
"""The requests that one call uses, one a stream."""


class Compiled:
    """A compiled network, with a group of requests for each thread that may run it at a time.

    The weights are there once, however many threads there are.
    """

    def __init__(self, compiled: Any, callers: int, streams: int) -> None:
        """Make `streams` requests in all, at least one for each of `callers` threads."""
        self._tensor = importlib.import_module("openvino").Tensor
        self._outputs = {output.any_name: index for index, output in enumerate(compiled.outputs)}
        self._free: SimpleQueue[Group] = SimpleQueue()
        for _ in range(callers):
            self._free.put(tuple(compiled.create_infer_request() for _ in range(max(1, streams // callers))))

    def run(self, inputs: NDArray[Any], into: Mapping[str, Floats]) -> None:
        """Infer every frame into the rows of `into`; OpenVINO releases the interpreter's lock meanwhile."""
        inputs = np.require(inputs, requirements=("C", "W"))  # OpenVINO binds no other
        with self._group() as requests:
            if len(requests) == 1:
                self._one_by_one(requests[0], inputs, into)
            else:
                self._side_by_side(requests, inputs, into)

    @contextmanager
    def _group(self) -> Iterator[Group]:
        group = self._free.get()
        try:
            yield group
        finally:
            self._free.put(group)

    def _one_by_one(self, request: Any, inputs: NDArray[Any], into: Mapping[str, Floats]) -> None:
        """Where the network has but one stream, it is the calling thread that does the work: none has to be woken."""
        for index in range(len(inputs)):
            self._bind(request, inputs, into, index)
            request.infer(share_outputs=True)

    def _side_by_side(self, requests: Sequence[Any], inputs: NDArray[Any], into: Mapping[str, Floats]) -> None:
        count, streams = len(inputs), len(requests)
        try:
            for index in range(count + streams):
                request = requests[index % streams]
                if index >= streams:
                    request.wait()
                if index < count:
                    self._bind(request, inputs, into, index)
                    request.start_async()
        except BaseException:
            for request in requests:  # nobody may still write to arrays that the caller is about to lose
                with suppress(RuntimeError):
                    request.wait()
            raise

    def _bind(self, request: Any, inputs: NDArray[Any], into: Mapping[str, Floats], index: int) -> None:
        """Have a request read and write a frame where it lies: what is copied drives all else from the caches.

        OpenVINO does not keep arrays alive: what is bound is good for one run.
        """
        tensor, one = self._tensor, slice(index, index + 1)
        request.set_input_tensor(tensor(inputs[one], shared_memory=True))
        for name, number in self._outputs.items():
            request.set_output_tensor(number, tensor(into[name][one], shared_memory=True))
