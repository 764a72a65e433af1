"""What a profile said of footage, frame by frame, beside the truth."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from engines.contract import SIGNALS, Floats, Signal
from engines.evaluation.pixels import PixelTally
from engines.evaluation.truth import FrameTruth, Instance, Truth

LONGEST: Final = 256
"""Pixels are counted on masks of so many pixels on the longer side."""


class Maps:
    """Maps of one shape in a temporary file, at float16; closed with the file."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._shape: tuple[int, int] | None = None
        self._count = 0

    def __enter__(self) -> Maps:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return self._count

    def append(self, scores: Floats) -> None:
        """Keep a map, float32 [h, w]."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="vigil-maps-")  # noqa: SIM115 - closed in close()
            self._shape = (scores.shape[0], scores.shape[1])
        self._file.write(np.clip(np.nan_to_num(scores), -6e4, 6e4).astype(np.float16).tobytes())
        self._count += 1

    def __iter__(self) -> Iterator[Floats]:
        """All maps in order, float32 [h, w]."""
        if self._file is None or self._shape is None:
            return
        self._file.seek(0)
        bytes_each = self._shape[0] * self._shape[1] * 2
        for _ in range(self._count):
            one = np.frombuffer(self._file.read(bytes_each), np.float16).reshape(self._shape)
            yield one.astype(np.float32)
        self._file.seek(0, 2)

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        if self._file is not None:
            self._file.close()
            self._file = None


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What was said of one frame."""

    time_s: float
    score: float
    signals: Mapping[Signal, float]
    map: Floats
    """float32 [h, w]."""
    signal_maps: Mapping[Signal, Floats]
    uncertainty: float
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Promise:
    """What a profile says of its own false alarms: an hour, or, of stills, as a share of the pictures."""

    rate: float
    low: float
    high: float
    """The true rate is from `low` to `high`, as far as the footage of the enrolment tells."""


@dataclass(slots=True, eq=False)
class ClipRecord:
    """Everything about one clip that the metrics need. Close it to release its maps."""

    name: str
    truth: Truth
    threshold: float
    still: bool = False
    promise: Promise | None = None
    """Of the profile; None when it says nothing."""
    with_maps: bool = True
    """Whether pixels and regions are counted at all; a study of thresholds needs only frames."""
    times_s: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    signals: dict[Signal, list[float]] = field(default_factory=lambda: {signal: [] for signal in SIGNALS})
    uncertainty: list[float] = field(default_factory=list)
    latency_ms: list[float] = field(default_factory=list)
    states: list[int] = field(default_factory=list)
    """1 abnormal, 0 normal, -1 not judged."""
    kinds: list[tuple[str, ...]] = field(default_factory=list)
    pixels: PixelTally = field(default_factory=PixelTally)
    signal_pixels: dict[Signal, PixelTally] = field(
        default_factory=lambda: {s: PixelTally(apart=False) for s in SIGNALS}
    )
    maps: Maps = field(default_factory=Maps)

    def add(self, judged: Judged) -> None:
        """Take in the next frame."""
        truth = self.truth.at(judged.time_s, LONGEST)
        self.times_s.append(judged.time_s)
        self.scores.append(judged.score)
        self.uncertainty.append(judged.uncertainty)
        self.latency_ms.append(judged.latency_ms)
        self.states.append(-1 if truth.abnormal is None else int(truth.abnormal))
        self.kinds.append(truth.kinds)
        for signal, value in judged.signals.items():
            self.signals[signal].append(value)
        if self.with_maps:
            self._add_maps(judged, truth)

    def _add_maps(self, judged: Judged, truth: FrameTruth) -> None:
        self.maps.append(judged.map)
        self.pixels.add(judged.map, truth)
        if truth.regions is not None:
            for signal, scores in judged.signal_maps.items():
                self.signal_pixels[signal].add(scores, truth)

    @property
    def state(self) -> NDArray[np.int8]:
        """int8 [N]: 1 abnormal, 0 normal, -1 not judged."""
        return np.array(self.states, np.int8)

    @property
    def time(self) -> NDArray[np.float64]:
        """float64 [N]."""
        return np.array(self.times_s, np.float64)

    @property
    def score(self) -> NDArray[np.float64]:
        """float64 [N]."""
        return np.array(self.scores, np.float64)

    @property
    def instances(self) -> tuple[Instance, ...]:
        """The anomalies of which at least one frame was judged."""
        times, rate = self.time, self.truth.fps or 1.0
        slack = 0.5 / rate
        return tuple(
            one
            for one in self.truth.instances
            if ((times >= one.first_s - slack) & (times <= one.last_s + slack)).any()
        )

    def close(self) -> None:
        """Release the maps."""
        self.maps.close()
