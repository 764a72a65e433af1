"""Alerts as the publisher hands them to the journal, and journals stepped by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry

from pipelines.compose import iso_time
from pipelines.headers import AlertHeader, HeatmapHeader, PictureHeader, PictureHeaders
from pipelines.journal.journal import Journal
from pipelines.journal.reader import JournalReader, Query
from pipelines.journal.settings import JournalSettings
from pipelines.metrics import Metrics
from pipelines.types import Phase
from pipelines.wire import AlertMessage

NOON = 1_795_000_000.0


def alert(
    seq: int = 1,
    phase: Phase = "begin",
    *,
    camera: str = "yard",
    boot_id: str = "boot1",
    event: int = 1,
    at: float = NOON,
    score: float = 5.0,
    picture: int = 3000,
) -> AlertMessage:
    """One whose pictures have `picture` bytes together, about."""
    jpeg = PictureHeader(format="image/jpeg", width=8, height=8)
    heatmap = HeatmapHeader(format="image/png", width=8, height=8, score_per_level=0.1)
    header = AlertHeader(
        schema="vigil.alert/1",
        boot_id=boot_id,
        seq=seq,
        camera_seq=seq,
        camera=camera,
        event_id=f"{boot_id}-{camera}-{event}",
        phase=phase,
        end_reason="calm" if phase == "end" else None,
        captured_at=iso_time(at),
        captured_unix=at,
        published_at=iso_time(at),
        published_unix=at,
        began_at=iso_time(at),
        began_unix=at,
        duration_s=1.0,
        frames=3,
        peak_score=score,
        frame_seq=seq,
        score=score,
        threshold=3.0,
        uncertainty=0.1,
        unit="surprise",
        signals=[],
        regions=[],
        model_id="m",
        profile_id="p",
        latency_ms=None,
        pictures=PictureHeaders(overlay=jpeg, clean=jpeg, heatmap=heatmap),
    )
    body = b"\xff\xd8" + bytes([seq % 256]) * (picture // 2)
    return AlertMessage(header, body, body, b"\x89PNG" + bytes([seq % 256]))


def reason(message: AlertMessage, why: str) -> AlertMessage:
    return AlertMessage(
        msgspec.structs.replace(message.header, phase="end", end_reason=why),
        message.overlay_jpeg,
        message.clean_jpeg,
        message.heatmap_png,
    )


def journal(folder: Path, settings: JournalSettings | None = None, boot_id: str = "boot1") -> Journal:
    return Journal(settings or JournalSettings(), folder, Metrics(CollectorRegistry()), boot_id=boot_id)


def step_until(made: Journal, condition: Callable[[], bool], limit_s: float = 20) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"did not happen; the journal is {made.condition}"
        made.step()


def keep(made: Journal, *messages: AlertMessage) -> None:
    """Submit, and step until all are kept."""
    number = 0
    for message in messages:
        number = made.submit(message)
    step_until(made, lambda: made.wait(number, 0))


def closed(made: Journal) -> None:
    made.finish()
    made.close()


def stored(folder: Path) -> list[tuple[str, int]]:
    """Run and number of every alert, in order."""
    with JournalReader(folder) as reader:
        return [(kept.header.boot_id, kept.header.seq) for kept in reader.after(0, 100_000)]


def events(folder: Path, query: Query | None = None) -> list[tuple[str, str | None]]:
    with JournalReader(folder) as reader:
        return [(event.event_id, event.end_reason) for event in reader.events(query or Query())]
