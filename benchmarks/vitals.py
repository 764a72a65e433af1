"""What a process that goes on for ever must keep level: memory, threads, descriptors, latency."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Final

import msgspec

from daemon.bench.scrape import Page
from daemon.bench.watch import memory_mb

VERDICT: Final = "vigil_capture_to_verdict_seconds"


class Vitals(msgspec.Struct, frozen=True, kw_only=True):
    """One sample."""

    at_s: float
    """Seconds since the beginning."""
    memory_mb: float
    """Of the daemon and its helper processes; pages that they share count once."""
    processes: float
    threads: float
    """Of the daemon itself, as descriptors are."""
    descriptors: float
    p50_ms: float | None
    """Capture to verdict, of the frames since the sample before; None without any."""
    p99_ms: float | None
    analysed: float
    """Frames so far."""
    reconnects: float
    restarts: float
    """Times so far that a capture thread had to be started anew: an error that nobody expected."""
    cameras_up: float


VITALS: Final = {
    "memory_mb": ("memory", "MB"),
    "processes": ("processes", ""),
    "threads": ("threads", ""),
    "descriptors": ("descriptors", ""),
    "p50_ms": ("capture to verdict, p50", "ms"),
    "p99_ms": ("capture to verdict, p99", "ms"),
}
"""What has to stay level: its words and its unit."""
NEGLIGIBLE: Final = {name: 0.05 if name.endswith("_ms") else 0.005 for name in VITALS}
"""Rises over a whole run, as shares of the median, that are none even where they are no chance."""


def read(page: Page, before: Page | None, at_s: float) -> Vitals:
    """The sample that a page holds; latency is that of the frames since the page before."""
    return Vitals(
        at_s=at_s,
        memory_mb=memory_mb(page),
        processes=page.total("vigil_processes"),
        threads=page.total("process_threads"),
        descriptors=page.total("process_open_fds"),
        p50_ms=_ms(page, before, 0.5),
        p99_ms=_ms(page, before, 0.99),
        analysed=page.total("vigil_frames_analysed_total"),
        reconnects=page.total("vigil_camera_reconnects_total"),
        restarts=page.total("vigil_capture_restarts_total"),
        cameras_up=page.total("vigil_camera_up"),
    )


def value_of(sample: Vitals, name: str) -> float:
    """One of `VITALS`; NaN where there is none."""
    value = getattr(sample, name)
    return math.nan if value is None else float(value)


def typical(samples: Sequence[Vitals], name: str) -> float:
    """Median of one of `VITALS`, over the samples that have it."""
    values = [value for value in (value_of(sample, name) for sample in samples) if math.isfinite(value)]
    return statistics.median(values) if values else math.nan


def _ms(page: Page, before: Page | None, share: float) -> float | None:
    value = 1000 * page.quantile(share, VERDICT, before)
    return value if math.isfinite(value) else None
