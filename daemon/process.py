"""The daemon's life: startup, main loop, shutdown, on the main thread."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn, Protocol

from daemon.board import Board
from daemon.crash import CrashFile
from daemon.errors import EXIT_FAILED, EXIT_OK, StageDied
from daemon.helpers import Helper, end_all
from daemon.liveness import Vitals, ailment
from daemon.notify import Notifier
from daemon.probes import Health
from daemon.pulse import Pulse
from daemon.signals import StopSignals
from daemon.supervisor import Post, Supervisor
from engines.errors import VigilError

_log = logging.getLogger("vigil.daemon")

_TICK_S = 0.1
_CHECK_S = 0.5
_STATUS_S = 5.0
_STOP_WITHIN_S = 4.0
_STUCK_S = 4.0
"""A stop that takes so much longer than it may has met a native call that lets no thread run."""
_DRAIN_S = 1.0
_END_S = 2.0
"""For helper processes, which have nothing to finish but to take leave of cameras."""


class Reloading(Protocol):
    """What reads the settings anew; every call is made by the main thread."""

    def ask(self) -> None:
        """Read the settings, changed or not; returns at once."""

    def mind(self, supervisor: Supervisor) -> bool:
        """Apply what has been read since; whether what was asked for is now done."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """The stages of one daemon and what can be seen of them."""

    posts: Sequence[Post]
    """In the order of the start, downstream first."""
    captures: Callable[[], Sequence[str]]
    """Threads of the cameras that are watched now."""
    board: Board
    analysed_ns: Callable[[], int]
    """When a frame was last analysed, on the monotonic clock."""
    stall_s: float
    """At the start; the supervisor keeps what holds later."""
    reloading: Reloading | None = None
    """None: settings are read at the start alone."""
    helpers: Sequence[Helper] = ()
    """The processes that do part of the work."""


class Daemon:
    """Runs an assembly until it is asked to stop, has nothing left to watch, or cannot go on."""

    def __init__(
        self,
        assembly: Assembly,
        pulse: Pulse,
        signals: StopSignals,
        notifier: Notifier,
        crash: CrashFile | None = None,
    ) -> None:
        """`crash` takes what a bad end leaves behind; without one that goes to stderr."""
        self._crash = crash or CrashFile(None)
        self._assembly = assembly
        self._pulse = pulse
        self._signals = signals
        self._notifier = notifier
        self._supervisor = Supervisor(assembly.posts, assembly.stall_s)
        self._checked = self._told = 0.0
        self._told_cause: BaseException | None = None

    def run(self) -> int:
        """Live; returns the exit code. Does not return when threads will not end or a second signal comes."""
        code = EXIT_OK
        try:
            self._startup()
            code = self._main_loop()
        except StageDied as error:
            cause = error.__cause__
            # What Vigil raises on purpose says all in its one line; anything else needs its traceback.
            known = cause is None or isinstance(cause, VigilError)
            _log.critical("cannot go on: %s", error, exc_info=None if known else cause)
            self._crash.note(f"cannot go on: {error}")
            self._told_cause = cause
            code = EXIT_FAILED
        except Exception as error:  # noqa: BLE001 - a fault of the main thread's own: an ordered stop all the same
            self._crash.note(f"cannot go on: the main thread failed: {type(error).__name__}")
            _log.critical("cannot go on: the main thread failed", exc_info=True)
            code = EXIT_FAILED
        return self._shutdown(code)

    def _startup(self) -> None:
        self._supervisor.start(self._signals.asked)
        if not self._signals.asked():
            self._pulse.ready = Health(ok=True)
            self._notifier.tell("READY=1", "STATUS=started")
            count = len(self._assembly.captures())
            _log.info("watching %d camera%s", count, "s" if count > 1 else "")

    def _main_loop(self) -> int:
        while not self._signals.asked():
            now = time.monotonic()
            self._mind_reload()
            if now - self._checked >= _CHECK_S:
                self._checked = now
                self._crash.guard(self._supervisor.stall_s)
                self._supervisor.check()
                self._mind_pulse()
                if self._supervisor.finished(self._assembly.captures()):
                    return self._run_dry()
            if now - self._told >= _STATUS_S:
                self._told = now
                self._notifier.tell(f"STATUS={self._describe()}")
            time.sleep(_TICK_S)
        _log.info("stopping on %s", self._signals.last)
        return EXIT_OK

    def _mind_reload(self) -> None:
        """Read the settings when asked to, and apply what was read. The other cameras never notice."""
        asked, reloading = self._signals.take_reload(), self._assembly.reloading
        if reloading is None:
            return
        if asked:
            _log.info("reloading the settings on SIGHUP")
            self._notifier.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
            reloading.ask()
        if reloading.mind(self._supervisor):
            self._notifier.tell("READY=1", f"STATUS={self._describe()}")

    def _mind_pulse(self) -> None:
        """Feed the watchdog while frames make progress; end the process when they do not."""
        reason = ailment(self._vitals(), self._supervisor.stall_s)
        if reason is not None:
            self._pulse.live = Health(ok=False, reason=reason)
            raise StageDied(reason)
        self._notifier.tell("WATCHDOG=1")

    def _vitals(self) -> Vitals:
        workers = self._supervisor.workers
        captures, needed = set(self._assembly.captures()), self._supervisor.needed
        return Vitals(
            now_ns=time.monotonic_ns(),
            essential=[(w.thread, w.beat_ns) for w in workers if w.thread in needed],
            captures=[(w.thread, w.beat_ns) for w in workers if w.thread in captures and w.alive],
            live_since_ns=self._assembly.board.live_since_ns(),
            analysed_ns=self._assembly.analysed_ns(),
        )

    def _run_dry(self) -> int:
        """Every source was a file and has ended: give the last frames time to get through."""
        time.sleep(_DRAIN_S)
        _log.info("every source has ended; nothing is left to watch")
        return EXIT_OK

    def _describe(self) -> str:
        states = self._assembly.board.states()
        rest = ", ".join(f"{count} {state}" for state, count in sorted(states.items()) if state != "live")
        return f"{states['live']} of {len(self._assembly.captures())} cameras live" + (f" ({rest})" if rest else "")

    def _shutdown(self, code: int) -> int:
        began = time.monotonic()
        self._crash.guard(_STOP_WITHIN_S + _STUCK_S)
        self._pulse.ready = Health(ok=False, reason="stopping")
        self._notifier.tell("STOPPING=1", "STATUS=stopping")
        self._supervisor.signal_stop()
        left = self._supervisor.join(began + _STOP_WITHIN_S, self._signals.insisted)
        if self._signals.insisted():
            _log.warning("second signal: leaving at once")
            self._leave()
        if left:
            _log.critical("threads that did not end within %.0f s: %s", _STOP_WITHIN_S, ", ".join(sorted(left)))
            self._crash.note(f"threads that did not end: {', '.join(sorted(left))}")
            self._crash.dump()
            self._leave()
        end_all(self._assembly.helpers, _END_S)
        self._crash.unguard()
        self._tell_errors()
        _log.info("stopped in %.1f s", time.monotonic() - began)
        return code

    def _leave(self) -> NoReturn:
        """End the process whatever its threads do: native calls cannot be interrupted."""
        end_all(self._assembly.helpers, 0)
        logging.shutdown()
        sys.stderr.flush()
        os._exit(EXIT_FAILED)

    def _tell_errors(self) -> None:
        for thread, error in self._supervisor.errors():
            if error is not self._told_cause:
                _log.error("%s ended with an error: %s", thread, error, exc_info=error)
