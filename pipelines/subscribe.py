"""The other end of the wire: listens to a publisher, and has what it missed replayed."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

import zmq

from pipelines.catchup import CatchUp, Ended, replay_endpoint
from pipelines.errors import SubscribeError, SubscribeTimeout
from pipelines.guard.keyfiles import ClientKeys
from pipelines.handshakes import NOT_ALLOWED
from pipelines.headers import JournalHeader
from pipelines.line import POLL_S, Line
from pipelines.position import After, Position, ThisRun, first_from
from pipelines.saving import save_message
from pipelines.sequence import Gap, Numbered, Sequence
from pipelines.wire import (
    ALERT_TOPIC,
    HEALTH_TOPIC,
    JOURNAL_TOPIC,
    REGIME_TOPIC,
    STATUS_TOPIC,
    AlertMessage,
    HealthMessage,
    Message,
    RegimeMessage,
    StatusMessage,
    decode,
    decode_journal,
)

__all__ = ["After", "Gap", "Position", "Subscriber", "ThisRun", "first_from", "save_message"]

_log = logging.getLogger("vigil.subscribe")

_TOPICS = (ALERT_TOPIC, HEALTH_TOPIC, REGIME_TOPIC, STATUS_TOPIC)
"""Alerts first: the status that the publisher sends a newcomer then follows every alert that it counts."""
_MOST_HELD = 1000
"""Live alerts that wait until it is known where to ask for those before them."""
_GIVEN_UP_S = 60.0
"""A replay that did not answer is left alone for so long: live alerts must not wait for it each time."""


class Subscriber:
    """Iterates over the messages of a publisher, which may come and go.

    A context manager, for one thread. Alerts come in order, each once: where some were lost (this end was too slow, was
    stopped, or the connection broke), they are asked for before later ones are given out, also across restarts of the
    daemon. What cannot be had is told to `on_gap`, which by default logs a warning.

    >>> with Subscriber("tcp://127.0.0.1:5557", camera="yard", after="start") as messages:  # doctest: +SKIP
    ...     for message in messages:
    ...         print(message)
    """

    def __init__(  # noqa: PLR0913 - each is one choice
        self,
        endpoint: str,
        camera: str | None = None,
        *,
        after: After | None = None,
        replay: str | None = "auto",
        timeout_s: float | None = None,
        patience_s: float = 10.0,
        on_gap: Callable[[Gap], None] | None = None,
        on_journal: Callable[[JournalHeader], None] | None = None,
        on_refused: Callable[[str], None] = _log.warning,
        again_s: float = 5.0,
        high_water: int = 256,
        keys: ClientKeys | None = None,
        context: zmq.Context[zmq.Socket[bytes]] | None = None,
    ) -> None:
        """Listen to all cameras or to one.

        `after`: begin after an alert (a `Position`, or `ThisRun(seq)`), or with "start"; None: with what comes next.
        `replay`: where to ask for missed alerts; "auto": where the daemon says; None: nowhere.
        `timeout_s`: silence for that long raises SubscribeTimeout. A publisher says how each camera is every few
        seconds, so longer silence means that it is gone.
        `patience_s`: so long an answer is awaited before what is missing counts as lost.
        `keys`: for a publisher that lets in those with a key only (`pipelines.guard.keyfiles.read_client`).
        `on_refused`: told in a line, once, why this end waits while the publisher does not let its key in; every
        `again_s` it tries anew, and goes on from where it was.
        `on_journal`: told how the daemon's journal is, at each change and heartbeat.
        """
        self.endpoint = endpoint
        self.camera = camera
        self._after = after
        self._replay = replay
        self._replay_at = None if replay in {"auto", None} else replay
        self._timeout_s, self._patience_s = timeout_s, patience_s
        self._on_gap = on_gap or _warn
        self._on_journal = on_journal
        self._keys, self._again_s = keys, again_s
        topics = [f"{topic}{camera or ''}" for topic in _TOPICS]
        self._line = Line(
            endpoint,
            topics if on_journal is None else [*topics, JOURNAL_TOPIC],
            high_water=high_water,
            keys=keys,
            again_s=again_s,
            on_refused=on_refused,
            context=context,
        )
        self._sequence = Sequence(camera)
        self._begun = False
        self._held: deque[Numbered] = deque()
        """Came live, and waits for what comes before it."""
        self._catch: CatchUp | None = None
        self._catching = self._wanted = False
        self._left_alone_until = 0.0

    def __enter__(self) -> Self:
        self._line.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        catch, self._catch = self._catch, None
        if catch is not None:
            catch.close()
        self._line.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Message:
        return self.receive(self._timeout_s)

    @property
    def place(self) -> Position | None:
        """After the latest alert given out: what a later Subscriber takes as `after` to go on from here."""
        return self._sequence.place

    def receive(self, timeout_s: float | None = None) -> Message:
        """The next message. Raises SubscribeTimeout, WireError for a message that is not understood, or SubscribeError
        when `after` was given and nothing can be replayed.

        After any of them the subscriber can go on.
        """
        deadline = math.inf if timeout_s is None else time.monotonic() + timeout_s
        while True:
            if self._catching:
                found = self._catch_up(deadline)
            elif self._held and self._can_begin():
                found = self._judge(self._held.popleft())
            else:
                parts = self._line.receive(deadline)
                if parts is None:
                    raise self._silence(timeout_s)
                found = self._heard(parts)
            if found is not None:
                return found
            if time.monotonic() > deadline and (self._catching or not self._held):
                raise self._silence(timeout_s)

    def _heard(self, parts: list[bytes]) -> Message | None:
        """Make something of what came; None when it is not to be given out now."""
        if parts[0] == JOURNAL_TOPIC.encode():
            if self._on_journal is not None:
                self._on_journal(decode_journal(parts))
            return None
        if not self._is_ours(parts[0]):
            return None
        message = decode(parts)
        if isinstance(message, HealthMessage | RegimeMessage):  # these have no numbers
            return message
        if isinstance(message, StatusMessage):
            self._learn(message)
        self._held.append(message)
        return None

    def _is_ours(self, topic: bytes) -> bool:
        """ZeroMQ matches prefixes: who asks for ``alert.cam1`` gets ``alert.cam10`` too."""
        wanted = self.camera
        return wanted is None or topic in {f"{kind}{wanted}".encode() for kind in _TOPICS}

    def _learn(self, message: StatusMessage) -> None:
        """Find out where to ask for what is missed."""
        if self._replay == "auto":
            told = message.header.replay
            self._replay_at = None if told is None else replay_endpoint(self.endpoint, told)

    def _can_begin(self) -> bool:
        """Whether what is held may be looked at: who wants what came before has to know first where to ask."""
        waits = self._after is not None and not self._begun and self._replay_at is None
        return not waits or isinstance(self._held[-1], StatusMessage) or len(self._held) >= _MOST_HELD

    def _judge(self, message: Numbered) -> Message | None:
        """Give a live message out, unless it came before or something is missing before it."""
        if not self._begun:
            return self._begin(message)
        if isinstance(message, AlertMessage) and self._sequence.is_double(message):
            return None
        if self._sequence.lacks_before(message):
            if self._replay_at is not None and time.monotonic() >= self._left_alone_until:
                self._held.appendleft(message)
                self._start(self._sequence.place)
                return None
            self._tell_gap(message)
        self._sequence.note(message)
        return message

    def _begin(self, message: Numbered) -> Message | None:
        self._begun = True
        if self._after is None:
            self._sequence.begin(message)
            return message
        place = self._after if self._after != "start" else None
        if isinstance(place, ThisRun):
            place = Position(message.header.boot_id, place.seq)
        self._sequence.begin_after(place)
        self._held.appendleft(message)
        if self._replay_at is None:
            raise SubscribeError(f"{self.endpoint} replays nothing: [journal] and [replay] are off there")
        self._wanted = True
        self._start(place)
        return None

    def _start(self, place: Position | None) -> None:
        if self._catch is not None and (self._catch.endpoint != self._replay_at or self._catch.turned_away):
            self._catch.close()
            self._catch = None
        if self._catch is None:
            assert self._replay_at is not None
            self._catch = CatchUp(
                self._line.context, self._replay_at, self.camera, patience_s=self._patience_s, keys=self._keys
            )
        self._catch.start(place)
        self._catching = True

    def _catch_up(self, deadline: float) -> Message | None:
        """Give out the next replayed alert, if it has come and is new."""
        assert self._catch is not None
        found = self._catch.receive(max(0.0, min(POLL_S, deadline - time.monotonic())))
        if isinstance(found, Ended):
            return self._end(found)
        if found is None or self._sequence.is_double(found):
            return None
        self._tell_gap(found, "the journal does not have them")
        self._sequence.note(found)
        return found

    def _end(self, ended: Ended) -> Message | None:
        """Go on with the live message that showed that something was missing."""
        self._catching = False
        wanted, self._wanted = self._wanted, False
        message = self._held[0]
        if ended.end == "unknown" and self._sequence.place is not None:
            place = self._sequence.place
            if place.boot_id != message.header.boot_id:
                self._on_gap(Gap(place.boot_id, self.camera, place.seq + 1, place.seq, ended.reason))
                self._sequence.lenient = set()
                self._start(Position(message.header.boot_id, 0))
                return None
        reason = "the journal does not have them" if ended.end == "done" else ended.reason
        if ended.end == "failed":
            turned_away = self._catch is not None and self._catch.turned_away
            self._left_alone_until = time.monotonic() + (self._again_s if turned_away else _GIVEN_UP_S)
        if wanted and ended.end != "done":
            raise SubscribeError(f"what was missed cannot be had: {ended.reason}")
        self._held.popleft()
        if isinstance(message, AlertMessage) and self._sequence.is_double(message):
            return None
        self._tell_gap(message, reason)
        self._sequence.note(message)
        return message

    def _tell_gap(self, message: Numbered, reason: str = "") -> None:
        gap = self._sequence.gap_before(message, reason)
        if gap is not None:
            self._on_gap(gap)

    def _silence(self, timeout_s: float | None) -> SubscribeTimeout:
        why = NOT_ALLOWED if self._line.refused else "is Vigil running there, and does it ask for a key?"
        return SubscribeTimeout(f"nothing came from {self.endpoint} within {timeout_s:g} s: {why}")


def _warn(gap: Gap) -> None:
    _log.warning("%s", gap)
