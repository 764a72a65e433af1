"""Listens, and keeps many connections going on one thread; a slow or greedy client costs the others nothing."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections import Counter, OrderedDict
from collections.abc import Callable

from daemon.web.access import Access
from daemon.web.call import Call, Refused
from pipelines.guard.refusals import Refusals

MOST_CONNECTIONS = 64
_MOST_PER_S, _BURST = 100.0, 200.0
"""New connections of one address."""
_MOST_ADDRESSES = 1024
_ACCEPTS = 64
"""Connections taken in a row before the others are seen to."""
_MAPPED = "::ffff:"


class Front:
    """For one thread. `connections` is told how many there are."""

    def __init__(
        self,
        listener: socket.socket,
        answer: Callable[[bytes, str], bytes],
        access: Access,
        refusals: Refusals,
        connections: Callable[[int], object],
    ) -> None:
        listener.setblocking(False)  # noqa: FBT003 - the library's own
        self._listener = listener
        self._answer = answer
        self._access = access
        self._refusals = refusals
        self._connections = connections
        self._calls: dict[int, Call] = {}
        self._purses: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, None)

    def step(self, wait_s: float) -> None:
        """See to what is ready, waiting for it up to `wait_s`; then cut off who is too slow."""
        for key, _ in self._selector.select(wait_s):
            if key.data is None:
                self._take()
            else:
                self._go_on(key.data)
        now = time.monotonic()
        for call in tuple(self._calls.values()):
            slow = call.overdue(now)
            if slow is not None:
                self._refusals.note("too_slow", call.who, slow)
                self._end(call)
        self._refusals.tell()

    def close(self) -> None:
        """Hang up on everybody and listen no more."""
        for call in tuple(self._calls.values()):
            self._end(call)
        self._selector.close()
        self._listener.close()

    def _take(self) -> None:
        for _ in range(_ACCEPTS):
            try:
                link, address = self._listener.accept()
            except OSError:  # none waits, or it has left; or descriptors have run out
                return
            who, now = str(address[0]).removeprefix(_MAPPED), time.monotonic()
            if not self._may_come(who, now):
                self._refusals.note("too_many", who, f"more than {_MOST_PER_S:g} connections a second")
                link.close()
                continue
            call = Call(link, who, now, self._access.tls)
            self._calls[call.link.fileno()] = call
            self._selector.register(call.link, call.wants, call)
            if len(self._calls) > MOST_CONNECTIONS:
                self._make_room(call)
            self._connections(len(self._calls))

    def _go_on(self, call: Call) -> None:
        if call.link.fileno() not in self._calls:
            return  # made room for another in this very step
        before = call.wants
        try:
            going = call.advance(self._answer)
        except Refused as refused:
            self._refusals.note(refused.reason, call.who, refused.told)
            going = False
        except OSError:  # it hung up
            going = False
        if not going:
            self._end(call)
        elif call.wants != before:
            self._selector.modify(call.link, call.wants, call)

    def _make_room(self, newest: Call) -> None:
        """Cut off the oldest of the address that has most connections without a request; else the newest."""
        waiting = [call for call in self._calls.values() if not call.asked]
        crowd = Counter(call.who for call in waiting)
        busiest = crowd.most_common(1)[0][0] if crowd else newest.who
        out = min((call for call in waiting if call.who == busiest), key=lambda call: call.since, default=newest)
        self._refusals.note("too_many", out.who, f"{MOST_CONNECTIONS} connections are the most")
        self._end(out)

    def _may_come(self, who: str, now: float) -> bool:
        coins, then = self._purses.pop(who, (_BURST, now))
        coins = min(_BURST, coins + (now - then) * _MOST_PER_S)
        self._purses[who] = (max(coins - 1, 0.0), now)
        while len(self._purses) > _MOST_ADDRESSES:
            self._purses.popitem(last=False)
        return coins >= 1

    def _end(self, call: Call) -> None:
        self._calls.pop(call.link.fileno(), None)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(call.link)
        call.close()
        self._connections(len(self._calls))
