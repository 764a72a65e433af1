"""Frames of a folder of clips, one clip after the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from pipelines.sources.source import Sample, Source

PAUSE_S = 10.0
"""Between clips the clock leaps by this, so that nobody takes the cut for motion."""


class ClipsSource:
    """Plays sources in turn as one, their times made to follow each other."""

    still = False

    def __init__(self, clips: Sequence[Callable[[], Source]]) -> None:
        self._clips = clips
        self._part = 0
        self._current: Source | None = None
        self._from_s = 0.0
        self._last_s: float | None = None

    @property
    def size_hint(self) -> int | None:
        """The first clip's, times the number of clips: nobody opens them all to count."""
        first = None if self._current is None else self._current.size_hint
        return None if first is None else first * len(self._clips)

    def open(self) -> None:
        """Open the first clip."""
        if self._current is None:
            self._start(0)

    def read(self, patience_s: float | None = None) -> Sample | None:
        """The next sample, of the next clip where one ends; None after the last."""
        while self._current is not None:
            sample = self._current.read(patience_s)
            if sample is not None:
                return self._placed(sample)
            if self._part + 1 == len(self._clips):
                return None
            self._start(self._part + 1)
        return None

    def close(self) -> None:
        """Close the clip that is open."""
        if self._current is not None:
            self._current.close()
            self._current = None

    def _start(self, part: int) -> None:
        self.close()
        self._part = part
        self._from_s = 0.0 if self._last_s is None else self._last_s + PAUSE_S
        source = self._clips[part]()
        source.open()
        self._current = source

    def _placed(self, sample: Sample) -> Sample:
        self._last_s = self._from_s + sample.time_s
        return dataclasses.replace(sample, time_s=self._last_s, part=self._part)
