"""Footage for the commands that read it from beginning to end: enrol and score."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from pipelines.errors import SourceLost
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.sources.source import Sample, Source
from pipelines.sources.spec import SourceSpec, list_files

BATCH = 8
LIVE_FPS = 5.0
"""A live source is analysed at this rate unless told otherwise, as the daemon does."""


def source_of(spec: SourceSpec, fps: float | None, input_size: tuple[int, int]) -> Source:
    """A source that gives its frames as fast as they decode; every frame, or `fps` of them a second."""
    rate = LIVE_FPS if fps is None and spec.live else fps
    return open_source(spec, SourceSettings(fps=rate), input_size)


def digest_of(spec: SourceSpec) -> str | None:
    """SHA-256 of a file, or of the files of a folder or pattern one after the other; None of what does not end."""
    path = Path(spec.location)
    files = [] if spec.live else [path] if path.is_file() else list_files(path)
    digest = hashlib.sha256()
    for one in files:
        with one.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest() if files else None


def samples(source: Source, seconds: float | None = None) -> Iterator[Sample]:
    """Give an open source's samples, for so many seconds of it at most; closed at the end."""
    with closing(source):
        first_s: float | None = None
        while (sample := source.read()) is not None:
            first_s = sample.time_s if first_s is None else first_s
            if seconds is not None and sample.time_s - first_s >= seconds:
                return
            yield sample


def batches(stream: Iterable[Sample], size: int = BATCH) -> Iterator[list[Sample]]:
    """Group samples; a batch never spans two parts. What waits when the source is lost is given before the error."""
    waiting: list[Sample] = []
    try:
        for sample in stream:
            if waiting and (len(waiting) == size or waiting[-1].part != sample.part):
                yield waiting
                waiting = []
            waiting.append(sample)
    except SourceLost:
        if waiting:
            yield waiting
        raise
    if waiting:
        yield waiting


def partial(path: Path) -> Path:
    """Where a file is written before it takes its name, so that nobody reads half of it."""
    return path.with_name(f".{path.name}.part")
