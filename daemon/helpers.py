"""Helper processes, as the daemon sees them: started when first needed, again when they died, ended with the daemon."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from weakref import WeakSet

import msgspec

from daemon.logs import LogSettings
from pipelines.apart.channel import Channel
from pipelines.errors import HelperError

_log = logging.getLogger("vigil.helper")

_START_S = 10.0


class Helper:
    """One helper process. Any thread may ask it for connections."""

    def __init__(self, name: str, logs: LogSettings) -> None:
        """Known by `name` in the list of processes and in log lines."""
        self.name = name
        self._logs = logs
        self._one_at_a_time = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: Channel | None = None
        self._connections: WeakSet[Channel] = WeakSet()
        self._over = False

    @property
    def pid(self) -> int | None:
        """Its process; None before it was first needed."""
        return None if self._process is None else self._process.pid

    def connect(self, stage: str, thread: str) -> Channel:
        """Have the helper serve a stage on a thread of its own; starts it if it is not there.

        Raises `HelperError` when it cannot be started, or the daemon is stopping.
        """
        with self._one_at_a_time:
            if self._over:
                raise HelperError(f"{self.name} has been ended")
            if self._process is None or self._process.poll() is not None:
                self._start()
            ours, theirs = Channel.pair()
            with theirs:
                try:
                    self._hand_over(theirs, stage, thread)
                except HelperError:  # it is about to end, or listens no more
                    self._kill()
                    self._start()
                    self._hand_over(theirs, stage, thread)
            self._connections.add(ours)
            return ours

    def kill(self) -> None:
        """End the helper at once, whatever it does; the next call for a connection starts it again."""
        with self._one_at_a_time:
            self._kill()

    def hang_up(self) -> None:
        """Let the helper end, and close every connection to it; returns at once. It is not started again."""
        with self._one_at_a_time:
            self._over = True
            for connection in tuple(self._connections):
                connection.close()
            if self._control is not None:
                self._control.close()

    def join(self, deadline: float) -> None:
        """Wait for its end until `deadline` on the monotonic clock; then it is killed."""
        if self._process is None:
            return
        try:
            self._process.wait(max(deadline - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            _log.warning("%s does not end: killed", self.name)
            self._process.kill()
            self._process.wait()

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _hand_over(self, connection: socket.socket, stage: str, thread: str) -> None:
        assert self._control is not None
        self._control.send(stage.encode(), thread.encode(), files=[connection.fileno()], timeout_s=_START_S)

    def _start(self) -> None:
        if self._process is not None:
            _log.error("%s ended (%s): it is started again", self.name, _how(self._process.returncode))
        if self._control is not None:
            self._control.close()
        self._control, theirs = Channel.pair()
        with theirs:
            # -P: a folder named daemon where Vigil happens to be started is not Vigil's.
            command = [sys.executable, "-P", "-m", "daemon.helper", self.name, str(theirs.fileno())]
            try:
                self._process = subprocess.Popen(  # noqa: S603 - arguments of our own
                    command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], start_new_session=True
                )
            except OSError as error:
                raise HelperError(f"{self.name} cannot be started: {error.strerror}") from None
        self._control.send(msgspec.json.encode(self._logs), timeout_s=_START_S)


def end_all(helpers: Iterable[Helper], within_s: float) -> None:
    """End helpers, all at a time."""
    helpers, deadline = tuple(helpers), time.monotonic() + within_s
    for helper in helpers:
        helper.hang_up()
    for helper in helpers:
        helper.join(deadline)


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
