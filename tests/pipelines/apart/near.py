"""A reader that is near: its stages run on threads of the test, which can look into its gallery."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.apart.channel import Channel
from pipelines.apart.gallery import Gallery, GalleryStage
from pipelines.apart.reader import ReaderStage
from pipelines.apart.reading import Reader
from pipelines.stage import Stage


class Near:
    """What a helper process is to a reader."""

    def __init__(self) -> None:
        self.gallery = Gallery()
        self.reader = Reader(self.connect, lambda: None, doubt_s=1.0)
        self.asked_for: list[tuple[str, str]] = []
        self._threads: list[threading.Thread] = []

    def connect(self, stage: str, thread: str) -> Channel:
        self.asked_for.append((stage, thread))
        ours, theirs = Channel.pair()
        kind = {"camera": ReaderStage, "pictures": GalleryStage}[stage]
        self._threads.append(threading.Thread(target=_run, args=(kind(Channel(theirs), self.gallery),)))
        self._threads[-1].start()
        return ours

    def join(self) -> None:
        self.reader.pictures.close()
        for thread in self._threads:
            thread.join()


def _run(stage: Stage) -> None:
    stage.open()
    try:
        while stage.step():
            pass
    finally:
        stage.close()


@contextmanager
def near() -> Iterator[Near]:
    """One whose threads have ended at the end: all its sources have to be closed by then."""
    one = Near()
    try:
        yield one
    finally:
        one.join()
