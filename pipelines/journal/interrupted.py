"""Ends for events that were open when the daemon was killed or the machine lost its power."""

from __future__ import annotations

import time
from collections.abc import Iterable

import msgspec

from pipelines.compose import iso_time
from pipelines.journal.store import Unfinished
from pipelines.wire import AlertMessage

REASON = "interrupted"


def interrupted_ends(unfinished: Iterable[tuple[Unfinished, tuple[bytes, bytes, bytes]]]) -> list[AlertMessage]:
    """An end for each event, which has still to be numbered by the run that tells it.

    The run of the event may have published more than it could keep, so none but its own knows its next number. All
    else that an end tells is as the event's latest alert told it, its pictures too.
    """
    ends: list[AlertMessage] = []
    for event, pictures in unfinished:
        now = time.time()
        end = msgspec.structs.replace(
            event.header,
            phase="end",
            end_reason=REASON,
            published_at=iso_time(now),
            published_unix=round(now, 3),
            latency_ms=None,
        )
        ends.append(AlertMessage(end, *pictures))
    return ends
