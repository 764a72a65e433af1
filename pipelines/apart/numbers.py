"""What a helper keeps for the daemon, by numbers: each is given once, and let go of when nobody needs it any more."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence


class Numbers:
    """The numbers of one helper. Any thread may use them; none waits, so that a finaliser may let go of one."""

    def __init__(self) -> None:
        self._next = itertools.count(1)
        self._released: deque[int] = deque()

    def give(self) -> int:
        """A number that no other had."""
        return next(self._next)

    def release(self, numbers: Sequence[int]) -> None:
        """Nobody will ask for these any more; the helper hears of it with what it is sent next."""
        self._released.extend(numbers)

    def released(self) -> list[int]:
        """What the helper is to hear of now."""
        taken = []
        try:
            while True:
                taken.append(self._released.popleft())
        except IndexError:
            return taken
