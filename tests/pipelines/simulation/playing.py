"""A plain client of the camera server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import av


@contextmanager
def playing(url: str, transport: str = "tcp", read_s: float = 1.0) -> Iterator[av.container.InputContainer]:
    options = {"rtsp_transport": transport, "analyzeduration": "0", "probesize": "32", "fflags": "nobuffer"}
    container = av.open(url, options=options, timeout=(3, read_s))
    try:
        yield container
    finally:
        container.close()


def frames(container: av.container.InputContainer, count: int) -> list[av.VideoFrame]:
    decoded = container.decode(video=0)
    return [next(decoded) for _ in range(count)]
