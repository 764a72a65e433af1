"""Keeps a daemon of many threads from holding ever more memory that is free.

glibc gives threads arenas of their own, up to eight a core, and each keeps what its threads once needed at the same
time: a stream that comes back, a burst of pictures. With as many arenas as threads, memory goes on rising for hours
until each has seen its worst moment. With few, what one thread has freed serves the next.
"""

from __future__ import annotations

import ctypes
import os
from typing import Final

_M_ARENA_MAX: Final = -8
"""From glibc's malloc.h."""


def give_back() -> None:
    """Return to the system what this process has freed and keeps, as after a start that needed much for moments.

    Does nothing where the C library is not glibc.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def limit_arenas() -> bool:
    """Have no more arenas than usable cores, for threads that allocate from now on.

    Does nothing where the C library is not glibc, or where MALLOC_ARENA_MAX is set: its word stands. Returns whether
    there is a limit now.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return True
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_M_ARENA_MAX, max(2, len(os.sched_getaffinity(0)))))
