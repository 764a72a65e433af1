"""A helper process: a few stages of the daemon on threads of its own, under an interpreter's lock of its own.

``python -m daemon.helper NAME FD`` is started by `daemon.helpers` alone. It listens on the connection FD: each message
names a stage and a thread, and brings the connection that the stage serves. It ends when the daemon hangs up, however
that came to its end.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import NoReturn, TypeVar

import cv2
import msgspec

from daemon.arenas import give_back, limit_arenas
from daemon.logs import LogSettings, set_up_logs
from daemon.worker import Worker
from pipelines.apart.channel import Channel
from pipelines.apart.gallery import Gallery, GalleryStage
from pipelines.errors import HelperError
from pipelines.stage import Stage

_log = logging.getLogger("vigil.helper")
_LEAVE_S = 1.5
_T = TypeVar("_T")


def main(arguments: Sequence[str]) -> NoReturn:
    """Serve until the daemon hangs up."""
    _, descriptor = arguments
    for told in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # meant for the daemon, which ends this in its order
        signal.signal(told, signal.SIG_IGN)
    faulthandler.enable()
    limit_arenas()
    cv2.setNumThreads(1)
    served: list[tuple[Channel, Worker]] = []
    try:
        _serve(Channel(socket.socket(fileno=int(descriptor))), served)
    except HelperError:
        _end(served)
        os._exit(0)  # not by the interpreter's own end: a thread inside a native call would keep that waiting


def _serve(control: Channel, served: list[tuple[Channel, Worker]]) -> NoReturn:
    (settings,) = control.receive()
    set_up_logs(msgspec.json.decode(bytes(settings), type=LogSettings))
    stages = _stages()
    while True:
        (what, thread), files = control.receive_with_files()
        connection = Channel(socket.socket(fileno=files[0]))
        stage = _Told(stages[bytes(what).decode()](connection))
        worker = Worker(stage, bytes(thread).decode())
        worker.start()
        served[:] = [*((other, its) for other, its in served if its.alive), (connection, worker)]


def _end(served: Sequence[tuple[Channel, Worker]]) -> None:
    """End all stages, which may have leave to take of somebody: a camera, for instance."""
    deadline = time.monotonic() + _LEAVE_S
    for connection, _ in served:
        connection.hang_up()
    for _, worker in served:
        worker.join(deadline - time.monotonic())


def _stages() -> dict[str, Callable[[Channel], Stage]]:
    """What may be asked for, by name. What each needs is imported when it is: a reader has no use for an engine."""
    gallery = Gallery()

    def camera(connection: Channel) -> Stage:
        from pipelines.apart.reader import ReaderStage  # noqa: PLC0415 - see above

        return ReaderStage(connection, gallery)

    def judge(connection: Channel) -> Stage:
        from pipelines.apart.judge import JudgeStage  # noqa: PLC0415 - see above

        return JudgeStage(connection, settled=give_back)

    return {"camera": camera, "judge": judge, "pictures": lambda connection: GalleryStage(connection, gallery)}


class _Told:
    """A stage whose end by an error is logged: nobody else in this process asks for it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    @property
    def name(self) -> str:
        return self._stage.name

    def open(self) -> None:
        self._or_log(self._stage.open)

    def step(self) -> bool:
        return self._or_log(self._stage.step)

    def close(self) -> None:
        self._or_log(self._stage.close)

    def _or_log(self, call: Callable[[], _T]) -> _T:
        try:
            return call()
        except HelperError:  # the daemon hangs up on what it needs no more
            raise
        except Exception:
            _log.exception("%s failed", self.name)
            raise


if __name__ == "__main__":
    main(sys.argv[1:])
