"""The ring of buffers that a network's frames go through: page-locked on the host, their twins on the device."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.runtime.cuda import Device


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a network."""

    name: str
    frame: tuple[int, ...]
    """The shape of one frame's share, without the batch."""
    dtype: np.dtype[Any]

    def size(self, frames: int) -> int:
        """Bytes that a batch takes."""
        return frames * math.prod(self.frame) * self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds that the device spent."""

    upload: float = 0.0
    compute: float = 0.0
    download: float = 0.0

    def __add__(self, other: Times) -> Times:
        return Times(self.upload + other.upload, self.compute + other.compute, self.download + other.download)


@dataclass(frozen=True, slots=True)
class Buffer:
    """Room for one port's frames."""

    port: Port
    host: NDArray[Any]
    """Page-locked [most, *frame]."""
    address: int
    """Of its twin on the device."""


class Slot:
    """Buffers, a stream and events that one piece of a batch has to itself."""

    def __init__(self, device: Device, source: Port, results: Iterable[Port], most: int, scratch: int) -> None:
        """Allocate for up to `most` frames, and `scratch` bytes for the network's own use."""
        self._device = device
        self.stream = device.stream()
        self.scratch = device.allocate(scratch) if scratch else 0
        self.source = _buffer(device, source, most)
        self.results = tuple(_buffer(device, port, most) for port in results)
        self._marks = tuple(device.event() for _ in range(4))

    @property
    def addresses(self) -> dict[str, int]:
        """Where each port's frames lie on the device."""
        return {buffer.port.name: buffer.address for buffer in (self.source, *self.results)}

    def upload(self, frames: NDArray[Any]) -> None:
        """Copy frames into page-locked memory now, and on to the device in the stream's order."""
        device, staged = self._device, self.source.host[: len(frames)]
        np.copyto(staged, frames)
        device.record(self._marks[0], self.stream)
        device.upload(self.source.address, staged, self.stream)
        device.record(self._marks[1], self.stream)

    def download(self, count: int) -> None:
        """Copy the results of `count` frames back in the stream's order, after what was given to it in between."""
        device = self._device
        device.record(self._marks[2], self.stream)
        for result in self.results:
            device.download(result.host[:count], result.address, self.stream)
        device.record(self._marks[3], self.stream)

    def drain(self, into: dict[str, NDArray[Any]], start: int, count: int) -> Times:
        """Wait for the results and copy them to rows `start` on of the arrays named in `into`."""
        begun, there, done, back = self._marks
        self._device.wait_for(back)
        for result in self.results:
            np.copyto(into[result.port.name][start : start + count], result.host[:count])
        seconds = self._device.seconds
        return Times(
            upload=seconds(begun, there),
            compute=seconds(there, done),
            download=seconds(done, back),
        )


def _buffer(device: Device, port: Port, most: int) -> Buffer:
    host = device.page_locked((most, *port.frame), port.dtype)
    return Buffer(port, host, device.allocate(port.size(most)))
