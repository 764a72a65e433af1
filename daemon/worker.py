"""One stage on one thread: the only file that makes threads for stages."""

from __future__ import annotations

import threading
import time

from pipelines.stage import Stage


class Worker:
    """Opens a stage, steps it until told to stop, and closes it, all on a thread of its own.

    Its fields are written by that thread alone and may be read by any.
    """

    def __init__(self, stage: Stage, thread: str, stop: threading.Event | None = None) -> None:
        self.stage = stage
        self.opened = False
        self.finished = False
        """The stage said that it is done for good, or was told to stop, and closed without an error."""
        self.error: BaseException | None = None
        """The first error; what goes wrong while closing after it is not kept."""
        self.beat_ns = time.monotonic_ns()
        """When `open` or a step was last completed, on the monotonic clock."""
        self._stop = stop or threading.Event()
        # A wedged native call must not keep the interpreter from leaving.
        self._thread = threading.Thread(target=self._run, name=thread, daemon=True)

    @property
    def thread(self) -> str:
        """The thread's name."""
        return self._thread.name

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the stage to end after its present step; returns at once."""
        self._stop.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread; False when it is still there after `timeout_s`."""
        self._thread.join(max(timeout_s, 0.0))
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._loop()
        except BaseException as error:  # noqa: BLE001 - kept for the supervisor, which decides
            self.error = error
        try:
            self.stage.close()
        except BaseException as error:  # noqa: BLE001 - likewise
            self.error = self.error or error
        self.finished = self.error is None

    def _loop(self) -> None:
        self.stage.open()
        self.opened = True
        self.beat_ns = time.monotonic_ns()
        while not self._stop.is_set() and self.stage.step():
            self.beat_ns = time.monotonic_ns()
