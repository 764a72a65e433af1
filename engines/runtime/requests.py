"""A network that OpenVINO has compiled, and the requests by which threads use it, several at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, TypeAlias

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
        self._outputs = {output.any_name: index for index, output in enumerate(compiled.outputs)}
        self._free: SimpleQueue[Group] = SimpleQueue()
        for _ in range(callers):
            self._free.put(tuple(compiled.create_infer_request() for _ in range(max(1, streams // callers))))

    def run(self, inputs: NDArray[Any], into: Mapping[str, Floats]) -> None:
        """Infer every frame into the rows of `into`; OpenVINO releases the interpreter's lock meanwhile."""
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
            request.get_input_tensor().data[0] = inputs[index]
            request.infer(share_outputs=True)  # what is not shared would be copied twice
            self._take(request, into, index)

    def _side_by_side(self, requests: Sequence[Any], inputs: NDArray[Any], into: Mapping[str, Floats]) -> None:
        count, streams = len(inputs), len(requests)
        for index in range(count + streams):
            request = requests[index % streams]
            if index >= streams:
                request.wait()
                self._take(request, into, index - streams)
            if index < count:
                request.get_input_tensor().data[0] = inputs[index]
                request.start_async()

    def _take(self, request: Any, into: Mapping[str, Floats], index: int) -> None:
        for name, number in self._outputs.items():
            into[name][index] = request.get_output_tensor(number).data[0]
