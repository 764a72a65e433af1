"""How every camera is, and which of them are due to say so."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipelines.types import CameraStatus, Verdict

_NS = 1_000_000_000
_MOST_AT_ONCE = 32
"""A burst must not fill a subscriber's queue, in which alerts have to find room."""


@dataclass(slots=True)
class _Entry:
    status: CameraStatus
    due_ns: int


class StatusBoard:
    """The latest status of each camera. Belongs to one thread; clocks come with the calls."""

    def __init__(self, heartbeat_s: float) -> None:
        self._period_ns = round(heartbeat_s * _NS)
        self._entries: dict[str, _Entry] = {}

    def add(self, camera: str, *, now_ns: int, wall_s: float) -> None:
        """A camera that has not said anything yet: it is starting, and due at once."""
        status = CameraStatus(
            camera=camera,
            state="starting",
            reason="no frame yet",
            since_wall_s=wall_s,
            last_frame_wall_s=None,
            reconnects=0,
            score=None,
            threshold=None,
        )
        self._entries.setdefault(camera, _Entry(status, now_ns))

    def remove(self, camera: str) -> None:
        """Forget a camera."""
        self._entries.pop(camera, None)

    def report(self, status: CameraStatus, *, now_ns: int) -> None:
        """Take over what a camera's capture says; due at once if its state, reason or health is a new one."""
        entry = self._entries.get(status.camera)
        if entry is None:
            return
        known = entry.status
        if (known.state, known.reason, known.health) != (status.state, status.reason, status.health):
            entry.due_ns = now_ns
        entry.status = replace(
            status,
            last_frame_wall_s=_later(known.last_frame_wall_s, status.last_frame_wall_s),
            score=known.score if status.score is None else status.score,
            threshold=known.threshold if status.threshold is None else status.threshold,
        )

    def saw(self, verdict: Verdict) -> None:
        """Remember a camera's latest score and frame."""
        entry = self._entries.get(verdict.frame.camera)
        if entry is not None:
            entry.status = replace(
                entry.status,
                last_frame_wall_s=verdict.frame.wall_s,  # verdicts come in order; the wall clock may be set back
                score=entry.status.score if verdict.unfit else verdict.score,
                threshold=entry.status.threshold if verdict.unfit else verdict.threshold,
            )

    def hasten(self, now_ns: int) -> None:
        """Make every camera due, for someone who has just begun to listen."""
        for entry in self._entries.values():
            entry.due_ns = min(entry.due_ns, now_ns)

    def due(self, now_ns: int) -> list[CameraStatus]:
        """What is to be told now, longest due first, not all at once; each is due again one heartbeat later."""
        waiting = [entry for entry in self._entries.values() if entry.due_ns <= now_ns]
        entries = sorted(waiting, key=lambda entry: entry.due_ns)[:_MOST_AT_ONCE]
        for entry in entries:
            entry.due_ns = now_ns + self._period_ns
        return [entry.status for entry in entries]

    def status(self, camera: str) -> CameraStatus:
        """How a camera is that was added and not removed."""
        return self._entries[camera].status


def _later(known: float | None, new: float | None) -> float | None:
    if known is None or new is None:
        return new if known is None else known
    return max(known, new)
