"""Ends for events that were open when the daemon was killed or the machine lost its power."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

import msgspec

from pipelines.compose import iso_time
from pipelines.journal.store import Unfinished
from pipelines.wire import AlertMessage

REASON = "interrupted"


def interrupted_ends(unfinished: Iterable[tuple[Unfinished, tuple[bytes, bytes, bytes]]]) -> list[AlertMessage]:
    """An end for each event, under the event's own run and with that run's next numbers.

    All that it tells is as the event's latest alert told it, its pictures too.
    """
    ends: list[AlertMessage] = []
    more: Counter[str] = Counter()
    more_of_camera: Counter[tuple[str, str]] = Counter()
    for event, pictures in unfinished:
        header = event.header
        more[header.boot_id] += 1
        more_of_camera[header.boot_id, header.camera] += 1
        now = time.time()
        end = msgspec.structs.replace(
            header,
            seq=event.last_seq + more[header.boot_id],
            camera_seq=event.last_camera_seq + more_of_camera[header.boot_id, header.camera],
            phase="end",
            end_reason=REASON,
            published_at=iso_time(now),
            published_unix=round(now, 3),
            latency_ms=None,
        )
        ends.append(AlertMessage(end, *pictures))
    return ends
