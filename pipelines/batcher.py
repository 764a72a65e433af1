"""Frames of all cameras, put together into batches."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Condition
from typing import Annotated, Final

import msgspec

from pipelines.mailbox import Mailbox
from pipelines.metrics import CameraMetrics
from pipelines.types import Frame

_WORTH_IT: Final = 4
"""Several threads take no less than so many at a time: each frame of a smaller batch costs more."""

Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=60_000)]


class BatchSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a batch closes, and which frames are too old to be worth it."""

    size: Annotated[int, msgspec.Meta(ge=1, le=256)] = 8
    """Most frames that are judged at a time: several threads share them, but none takes fewer than 4."""
    window_ms: Milliseconds = 20
    """A batch that is not full closes this long after its first frame was seen."""
    due_ms: Milliseconds = 50
    """A frame that was captured this long ago waits for no others."""
    stale_ms: Milliseconds = 500
    """A frame captured longer ago than this is dropped and counted."""


@dataclass(frozen=True, slots=True)
class _Slot:
    mailbox: Mailbox
    metrics: CameraMetrics


class Batcher:
    """Collects the latest frame of each camera into batches.

    Fair: batches are filled round robin, going on after the camera that was served last, so that with more cameras
    than places everyone is served in turn. Several threads may collect: each takes its part of what waits, and a camera
    whose frame one of them has in hand is left alone until that is given back, so that no frame overtakes another of
    its camera. Cameras may be added and removed from any thread. `filled` is the Condition that the mailboxes notify.
    """

    def __init__(
        self,
        mailboxes: Iterable[Mailbox],
        filled: Condition,
        settings: BatchSettings,
        metrics: Mapping[str, CameraMetrics],
        *,
        threads: int = 1,
    ) -> None:
        """So many threads collect: what a batch may hold is shared out among them, and with it its memory."""
        self._filled = filled
        self._settings = settings
        self._most = min(settings.size, max(_WORTH_IT, math.ceil(settings.size / threads)))
        self._slots = {box.camera: _Slot(box, metrics[box.camera]) for box in mailboxes}
        self._served_last: str | None = None
        self._in_hand: set[str] = set()

    def add(self, mailbox: Mailbox, metrics: CameraMetrics) -> None:
        """Let a camera take part from now on; one of the same name is replaced."""
        with self._filled:
            self._slots[mailbox.camera] = _Slot(mailbox, metrics)

    def remove(self, camera: str) -> None:
        """Leave a camera out from now on; a frame that still waits is left alone."""
        with self._filled:
            self._slots.pop(camera, None)

    def collect(self, timeout_s: float) -> list[Frame]:
        """The next batch: up to `size` frames, or a share of them, one a camera; empty when none came in `timeout_s`.

        It closes when it is full, when every camera that is not in hand has a frame waiting, at its window, or when
        its oldest frame is due. Its cameras are in hand until `give_back`.
        """
        give_up = time.monotonic() + timeout_s
        with self._filled:
            while self._wait_for_batch(give_up):
                if frames := self._take(self._most):
                    return frames
        return []

    def more(self, most: int) -> list[Frame]:
        """What else waits by now, up to so many frames: for a batch of which some needed no judging."""
        with self._filled:
            return self._take(most)

    def give_back(self, frames: Sequence[Frame]) -> None:
        """Let the cameras of a batch take part again; does nothing for those that are not in hand."""
        if not frames:
            return
        with self._filled:
            self._in_hand.difference_update(frame.camera for frame in frames)
            self._filled.notify_all()

    def _wait_for_batch(self, give_up: float) -> bool:
        closes: float | None = None
        while True:
            now = time.monotonic()
            able = self._able()
            captured = [at for slot in able.values() if (at := slot.mailbox.peek_captured_ns()) is not None]
            if captured:
                closes = closes or now + self._settings.window_ms / 1e3
                due = min(captured) / 1e9 + self._settings.due_ms / 1e3
                if len(captured) >= min(self._most, len(able)) or now >= min(closes, due):
                    return True
                self._filled.wait(min(closes, due) - now)
            elif now >= give_up:
                return False
            else:
                closes = None  # the frame that opened the batch left with its camera, or with another thread
                self._filled.wait(give_up - now)

    def _take(self, most: int) -> list[Frame]:
        oldest_ns = time.monotonic_ns() - int(self._settings.stale_ms * 1e6)
        frames: list[Frame] = []
        for camera in self._in_turn():
            if len(frames) == most:
                break
            slot = self._slots[camera]
            frame = slot.mailbox.take()
            if frame is None:
                continue
            self._served_last = camera
            if frame.captured_ns < oldest_ns:
                slot.metrics.dropped["stale"].inc()
            else:
                frames.append(frame)
                self._in_hand.add(camera)
        return frames

    def _able(self) -> dict[str, _Slot]:
        """The cameras that no thread has in hand."""
        return {camera: slot for camera, slot in self._slots.items() if camera not in self._in_hand}

    def _in_turn(self) -> list[str]:
        """The cameras, beginning with the one after the camera served last."""
        cameras = sorted(self._able())
        start = next((i for i, c in enumerate(cameras) if self._served_last is not None and c > self._served_last), 0)
        return cameras[start:] + cameras[:start]
