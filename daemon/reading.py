"""Which thread or process reads each camera. Belongs to the main thread."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Sequence
from typing import Final

from daemon.config import Camera
from daemon.helpers import Helper
from daemon.logs import LogSettings
from pipelines.apart.reading import ApartSource, Reader
from pipelines.capture import ReadIn
from pipelines.door import Door
from pipelines.masks import Curtain
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.sources.source import Source

_log = logging.getLogger("vigil.reading")

EACH: Final = 32
"""Cameras a reader; with more than one has, threads that wait for each other cost more than processes do."""


class Reading:
    """Reads cameras in threads of the daemon, or live ones in helper processes, the readers."""

    def __init__(self, helpers: Sequence[Helper] = ()) -> None:
        """Without helpers everything is read in threads."""
        self.helpers = tuple(helpers)
        self._readers = [Reader(helper.connect, helper.kill) for helper in self.helpers]
        self._seats: dict[str, Reader] = {}

    @classmethod
    def of(cls, read_in: ReadIn, cameras: Sequence[Camera], logs: LogSettings) -> Reading:
        """As many readers as the cameras of the start take; none is started before a camera asks for it."""
        count = readers_for(read_in, sum(camera.source.live for camera in cameras), len(os.sched_getaffinity(0)))
        if count:
            _log.info("live cameras are read in %d process%s", count, "es" if count > 1 else "")
        return cls([Helper(f"reader-{number}", logs) for number in range(count)])

    def opener(self, camera: Camera, input_size: tuple[int, int], door: Door, curtain: Curtain) -> Callable[[], Source]:
        """What gives a camera's source behind its curtain, on any thread: open, or to be opened.

        The camera has a place with a reader until it is forgotten.
        """
        settings = SourceSettings(fps=camera.fps, transport=camera.transport, paced=camera.paced)
        if not self._readers or not camera.source.live:
            self.forget(camera.name)
            return lambda: curtain.before(open_source(camera.source, settings, input_size, door.admits))
        reader = self._seats.setdefault(camera.name, self._least_busy())
        return lambda: curtain.before(ApartSource(reader, camera.source, settings, input_size, door))

    def forget(self, camera: str) -> None:
        """Give the camera's place away."""
        self._seats.pop(camera, None)

    def _least_busy(self) -> Reader:
        seated = list(self._seats.values())
        return min(self._readers, key=seated.count)


def readers_for(read_in: ReadIn, live: int, cores: int) -> int:
    """How many readers so many live cameras have on a machine of so many cores."""
    if read_in == "threads" or (read_in == "auto" and live <= EACH):
        return 0
    return max(1, min(cores, math.ceil(live / EACH)))
