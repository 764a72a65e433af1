"""Bounded hand-over between a camera's thread and the batcher: the latest frame wins."""

from __future__ import annotations

import threading

from pipelines.types import Frame


class Mailbox:
    """Holds one frame. A newer one replaces one not yet taken, which the caller counts as dropped."""

    def __init__(self, camera: str, filled: threading.Condition) -> None:
        self.camera = camera
        self._filled = filled
        self._frame: Frame | None = None

    def put(self, frame: Frame) -> Frame | None:
        """Leave a frame and wake the batcher; returns the frame that it replaced, if any."""
        with self._filled:
            replaced, self._frame = self._frame, frame
            self._filled.notify_all()
        return replaced

    def take(self) -> Frame | None:
        """The frame, if there is one; the mailbox is then empty."""
        with self._filled:
            frame, self._frame = self._frame, None
        return frame

    def peek_captured_ns(self) -> int | None:
        """When the waiting frame was captured; None when empty."""
        frame = self._frame
        return None if frame is None else frame.captured_ns
