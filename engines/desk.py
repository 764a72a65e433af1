"""What a thread works with while it scores."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from engines.contract import Encoded, Pixels
from engines.light import Light
from engines.motion import dense_flow
from engines.place import Room

Shown: TypeAlias = tuple[Pixels, float, Light | None]
"""A frame, its time, and the light that it is brought to."""


class Desk(threading.local):
    """Memory and tools that are kept from batch to batch, for each thread its own."""

    def __init__(self) -> None:
        self.room = Room()
        self.flow = dense_flow()
        self._evened: Pixels = np.empty((0, 0, 0, 3), np.uint8)
        self._shown: Sequence[Shown] = ()
        self._encoded: Encoded | None = None

    def evened_of(self, count: int, shape: tuple[int, ...]) -> Pixels:
        """Where evened frames lie side by side: kept from batch to batch, since fresh memory costs page faults."""
        if len(self._evened) < count or self._evened.shape[1:] != shape:
            self._evened = np.empty((count, *shape), np.uint8)
        return self._evened[:count]

    def keep(self, shown: Sequence[Shown], encoded: Encoded | None) -> None:
        """Keep what frames were encoded to, in place of what was kept before; None keeps nothing."""
        self._shown, self._encoded = (() if encoded is None else shown), encoded

    def kept(self, shown: Sequence[Shown]) -> Encoded | None:
        """What these frames were encoded to in this light, if that of all of them was kept."""
        rows = []
        for pixels, time_s, light in shown:
            alike = (
                row
                for row, (last, last_s, at) in enumerate(self._shown)
                if last is pixels and last_s == time_s and _same_light(at, light)
            )
            if (found := next(alike, None)) is None:
                return None
            rows.append(found)
        if self._encoded is None:
            return None
        return Encoded(self._encoded.latent[rows], self._encoded.features[rows])


def _same_light(one: Light | None, other: Light | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one.usual, other.usual))
