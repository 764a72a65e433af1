"""How a batch is cut up and passed through a ring of buffers. Nothing here touches a device.

A batch becomes pieces whose sizes are powers of two, so that few shapes occur and each has its CUDA graph. Pieces take
the slots of the ring in turn; each slot has a stream of its own, on which upload, compute and download follow one
another. So while one slot computes, the next one's frames are copied to the device and the last one's results back.
The host waits in one place: before it takes a slot's results out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Step:
    """What the host does next."""

    what: Literal["fill", "drain"]
    """fill: copy frames into the slot and give upload, compute and download to its stream; drain: wait for the slot's
    stream and take the results out."""
    slot: int
    start: int
    """The first frame, counted from that of the batch."""
    size: int
    """How many frames, a power of two."""


def sizes_up_to(most: int) -> tuple[int, ...]:
    """The sizes of pieces: powers of two, the smallest first."""
    return tuple(1 << power for power in range(most.bit_length()))


def largest_piece(most: int, slots: int) -> int:
    """The largest piece for batches up to `most`: a full batch fills every slot once, so that copies overlap."""
    share = max(1, most // slots)
    return 1 << (share.bit_length() - 1)


def pieces(count: int, largest: int) -> tuple[tuple[int, int], ...]:
    """Cut `count` frames into (start, size), the largest first."""
    cut: list[tuple[int, int]] = []
    start = 0
    for size in reversed(sizes_up_to(largest)):
        while count - start >= size:
            cut.append((start, size))
            start += size
    return tuple(cut)


def schedule(count: int, largest: int, slots: int) -> Iterator[Step]:
    """The order in which `count` frames pass through `slots` slots in pieces of up to `largest`.

    A slot is drained before it is filled again, as late as possible, and everything is drained in the end.
    """
    cut = pieces(count, largest)
    for turn, (start, size) in enumerate(cut):
        if turn >= slots:
            yield Step("drain", turn % slots, *cut[turn - slots])
        yield Step("fill", turn % slots, start, size)
    for turn in range(max(0, len(cut) - slots), len(cut)):
        yield Step("drain", turn % slots, *cut[turn])
