"""``vigil demo``: generated cameras are served over RTSP, learnt, watched by the real daemon, and their alerts shown.

Every part is the real one: the commands, the daemon as a process of its own, RTSP between it and the cameras, ZeroMQ
between it and the one who listens. `daemon.demo.matching` says what counts as found and as a false alarm.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from daemon.commands.terminal import notes
from daemon.demo.folder import Folder
from daemon.demo.programme import Programme
from daemon.demo.show import Show

_INTERRUPTED = 130


def main(out: Path, *, keep: bool = False) -> int:
    """Show it all, keeping pictures and logs under `out`; with `keep`, leave it running until Ctrl-C.

    Returns 0 if enough was found with few false alarms, 1 if not, 130 when interrupted.

    Raises:
        VigilError: A part failed; says which log to read. Nothing is left running.
    """
    with _ended_by_signals():
        try:
            return Show(Programme(), Folder(out), keep=keep).run()
        except KeyboardInterrupt:
            notes().print("interrupted: everything that was started has been ended")
            return _INTERRUPTED


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Have SIGTERM and SIGHUP end the demonstration as Ctrl-C does, so that its processes end with it."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
