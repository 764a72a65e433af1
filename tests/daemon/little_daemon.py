"""A daemon of small stages, run as a process of its own: ``python -m tests.daemon.little_daemon KIND``."""

from __future__ import annotations

import logging
import sys
import threading
import time

from daemon.board import Board
from daemon.crash import CrashFile, crash_folder
from daemon.logs import LogSettings, set_up_logs
from daemon.notify import Notifier
from daemon.process import Assembly, Daemon
from daemon.pulse import Pulse
from daemon.signals import StopSignals
from daemon.supervisor import Backoff, Post
from pipelines.stage import Stage
from tests.daemon.stages import Failing, LockHolder, Ticking, Wedged

STALL_S = 1.0


def assembly(kind: str) -> Assembly:
    """Make a daemon of one of these kinds.

    healthy; wedged-infer, wedged-capture: hangs in a step; wedged-lock: in a native call that keeps the interpreter's
    lock; dying-infer, dying-publish: raises after a moment.
    """

    def post(stage: Stage) -> Post:
        return Post(stage.name, lambda _stop: stage)

    def infer() -> Stage:
        if kind == "wedged-lock":
            return LockHolder("infer")
        if kind == "wedged-infer":
            return Wedged("infer")
        return Failing("step", "infer", after=20) if kind == "dying-infer" else Ticking("infer")

    def capture(_stop: threading.Event) -> Stage:
        return Wedged("capture-a") if kind == "wedged-capture" else Ticking("capture-a")

    publish = Failing("step", "publish", after=20) if kind == "dying-publish" else Ticking("publish")
    return Assembly(
        posts=[
            post(publish),
            post(infer()),
            Post("capture-a", capture, Backoff()),
            Post("capture-b", lambda _stop: Ticking("capture-b"), Backoff()),
        ],
        captures=lambda: ["capture-a", "capture-b"],
        board=Board(),
        analysed_ns=time.monotonic_ns,
        stall_s=STALL_S,
    )


def main(kind: str) -> int:
    """Run until told to stop."""
    set_up_logs(LogSettings())
    logging.getLogger("vigil").info("kind %s", kind)
    crash = CrashFile(crash_folder())
    crash.open("0")
    signals = StopSignals()
    with signals.installed():
        code = Daemon(assembly(kind), Pulse(), signals, Notifier(), crash).run()
    crash.close(keep=code != 0)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
