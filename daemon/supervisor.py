"""Keeps the stages running: ordered start, restarts with backoff, one shared deadline for the stop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from daemon.errors import StageDied
from daemon.worker import Worker
from engines.errors import VigilError
from pipelines.stage import Stage

_log = logging.getLogger("vigil.supervisor")

_HAND_OVER_S = 6.0
"""A stage that takes another's place waits so long for its end, so that a camera is not asked for two streams at once;
longer than a decoder waits for a camera that has gone silent."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before a stage that died is made anew: twice as long each time, until it has settled."""

    first_s: float = 1.0
    longest_s: float = 60.0
    settled_s: float = 60.0
    """A stage that lived for so long starts again from `first_s`."""
    budget: int = 10
    """Deaths in a row after which it is said to fail for good."""
    spent_s: float = 600.0
    """The wait once the budget is spent: a camera is never given up, but it may not keep the processor busy either."""

    def wait_s(self, deaths: int) -> float:
        """Seconds to wait after the given number of deaths in a row (at least 1)."""
        if self.spent(deaths):
            return self.spent_s
        return float(min(self.first_s * 2.0 ** min(deaths - 1, 30), self.longest_s))

    def spent(self, deaths: int) -> bool:
        """Whether so many deaths in a row are more than the budget."""
        return deaths > self.budget


@dataclass(frozen=True, slots=True)
class Post:
    """A place to be filled by a stage, for as long as the process lives."""

    thread: str
    make: Callable[[threading.Event], Stage]
    """Makes the stage; the event is set when the stage is to end, for those that sleep inside a step."""
    restart: Backoff | None = None
    """None: the process ends when this stage dies."""
    on_death: Callable[[BaseException], None] = lambda _: None
    """Told of each death that a restart follows, on the supervisor's thread."""
    on_spent: Callable[[bool], None] = lambda _: None
    """Told, on the same thread, when a stage has died more often in a row than its budget allows (true), and when one
    that followed has settled (false)."""
    on_hang: Callable[[bool], None] = lambda _: None
    """Told, on the same thread, when a stage that may be restarted hangs in a step (true) and when it goes on (false).
    Nothing more can be done: a thread inside a native call cannot be ended without the process."""


class _Seat:
    """A post and who fills it."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self.deaths = 0
        self.due_at: float | None = None
        self.hangs = False
        self.spent = False
        self.hand_over_by: float | None = None
        """Until when (monotonic) the worker, told to stop, is waited for before the post's next stage starts."""
        self.worker = self.hire()

    def hire(self) -> Worker:
        stop = threading.Event()
        self.started_at = time.monotonic()
        self.hangs = False
        self.worker = Worker(self.post.make(stop), self.post.thread, stop)
        return self.worker


class Supervisor:
    """Starts stages in the order given (downstream first), minds them, and stops them together.

    Every method belongs to the main thread.
    """

    def __init__(self, posts: Sequence[Post], stall_s: float = 20.0) -> None:
        """Mind `posts`; a step that takes longer than `stall_s` hangs."""
        self._posts = tuple(posts)
        self.stall_s = stall_s
        """A step that takes longer hangs; may be replaced at any time."""
        self._seats: list[_Seat] = []
        self._leaving: list[Worker] = []

    @property
    def workers(self) -> tuple[Worker, ...]:
        """Who fills the posts now, in the order of the start."""
        return tuple(seat.worker for seat in self._seats)

    @property
    def needed(self) -> frozenset[str]:
        """The threads that the process cannot do without."""
        return frozenset(post.thread for post in self._posts if post.restart is None)

    def start(self, cancelled: Callable[[], bool]) -> None:
        """Start each post; one that the process cannot do without is open before the next starts.

        Returns early once `cancelled` says so. Raises `StageDied` when such a stage fails to open.
        """
        for post in self._posts:
            seat = _Seat(post)
            self._seats.append(seat)
            seat.worker.start()
            while post.restart is None and not seat.worker.opened and not cancelled():
                self._require(seat)
                time.sleep(0.005)
            if cancelled():
                return

    def add(self, post: Post) -> None:
        """Fill one more post; its stage opens by itself."""
        seat = _Seat(post)
        self._seats.append(seat)
        seat.worker.start()

    def remove(self, thread: str) -> None:
        """Give up a post; its stage is asked to end, and nobody waits for it."""
        for seat in [seat for seat in self._seats if seat.post.thread == thread]:
            self._seats.remove(seat)
            seat.worker.stop()
            self._leaving.append(seat.worker)

    def replace(self, post: Post) -> None:
        """Fill the post of the same thread anew once its present stage has ended."""
        for seat in self._seats:
            if seat.post.thread == post.thread:
                seat.post, seat.deaths, seat.due_at = post, 0, None
                seat.worker.stop()
                seat.hand_over_by = time.monotonic() + _HAND_OVER_S

    def check(self) -> None:
        """Restart what died and may be restarted; raises `StageDied` for what may not. Tell of what hangs."""
        self._leaving = [worker for worker in self._leaving if worker.alive]
        for seat in self._seats:
            if seat.hand_over_by is not None:
                self._hand_over(seat, seat.hand_over_by)
            elif seat.worker.alive:
                self._mind_hang(seat)
                self._mind_settled(seat)
            elif seat.post.restart is None:
                self._require(seat)
            elif seat.worker.error is not None:
                self._revive(seat, seat.worker.error, seat.post.restart)

    def finished(self, threads: Sequence[str]) -> bool:
        """Whether every one of the named stages has ended for good, without an error."""
        named = [seat.worker for seat in self._seats if seat.post.thread in threads]
        return bool(named) and all(worker.finished and not worker.alive for worker in named)

    def signal_stop(self, threads: Sequence[str] | None = None) -> None:
        """Ask the named stages (all, when None) to end; returns at once."""
        for seat in reversed(self._seats):
            if threads is None or seat.post.thread in threads:
                seat.worker.stop()

    def join(self, deadline: float, cancelled: Callable[[], bool]) -> list[str]:
        """Wait for all until `deadline` (`time.monotonic`) or `cancelled`; returns the threads still running."""
        running = [*self._leaving, *(seat.worker for seat in reversed(self._seats))]
        while running and time.monotonic() < deadline and not cancelled():
            running[0].join(0.02)
            running = [worker for worker in running if worker.alive]
        return [worker.thread for worker in running]

    def errors(self) -> list[tuple[str, BaseException]]:
        """The first error of each stage that has one, in the order of the start."""
        return [(w.thread, w.error) for w in self.workers if w.error is not None]

    def _mind_hang(self, seat: _Seat) -> None:
        """A stage that the process needs is the watchdog's to judge; of the others it is told when they hang."""
        hangs = (time.monotonic_ns() - seat.worker.beat_ns) / 1e9 > self.stall_s
        if seat.post.restart is None or hangs == seat.hangs:
            return
        seat.hangs = hangs
        if hangs:
            _log.error(
                "%s hangs: no step for %.0f s; only a restart of Vigil ends that", seat.post.thread, self.stall_s
            )
        else:
            _log.info("%s goes on", seat.post.thread)
        seat.post.on_hang(hangs)

    def _mind_settled(self, seat: _Seat) -> None:
        """What has lived for long enough fails no more."""
        backoff = seat.post.restart
        if seat.spent and backoff is not None and time.monotonic() - seat.started_at >= backoff.settled_s:
            seat.spent, seat.deaths = False, 0
            _log.info("%s lives again", seat.post.thread)
            seat.post.on_spent(False)  # noqa: FBT003 - a callback

    def _hand_over(self, seat: _Seat, by: float) -> None:
        if seat.worker.alive:
            if time.monotonic() < by:
                return
            _log.error("%s did not end when told to; another takes its place beside it", seat.post.thread)
            self._leaving.append(seat.worker)
        seat.hand_over_by = None
        seat.hire().start()

    def _require(self, seat: _Seat) -> None:
        if seat.worker.alive:
            return
        error = seat.worker.error
        raise StageDied(f"{seat.post.thread}: {_tell(error)}") from error

    def _revive(self, seat: _Seat, error: BaseException, backoff: Backoff) -> None:
        now = time.monotonic()
        if seat.due_at is None:
            settled = now - seat.started_at >= backoff.settled_s
            seat.deaths = 1 if settled else seat.deaths + 1
            wait_s = backoff.wait_s(seat.deaths)
            seat.due_at = now + wait_s
            _log.error(
                "%s died: %s; starting it again in %.1f s", seat.post.thread, _tell(error), wait_s, exc_info=error
            )
            seat.post.on_death(error)
            if backoff.spent(seat.deaths) and not seat.spent:
                seat.spent = True
                _log.critical(
                    "%s died %d times in a row: it is tried only every %.0f s from now on",
                    seat.post.thread,
                    seat.deaths,
                    wait_s,
                )
                seat.post.on_spent(True)  # noqa: FBT003 - a callback
        elif now >= seat.due_at:
            seat.due_at = None
            seat.hire().start()


def _tell(error: BaseException | None) -> str:
    if error is None:
        return "ended although its work never ends"
    return str(error) if isinstance(error, VigilError) else f"{type(error).__name__}: {error}"
