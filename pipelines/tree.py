"""What the daemon and all the processes it has started use together, read from /proc when it is asked for.

Processes of other users need not be visible (``hidepid``, systemd's ``ProtectProc=``): those of the daemon are its own.
"""

from __future__ import annotations

import os
import re
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_PROC: Final = Path("/proc")
TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_PSS: Final = re.compile(rb"^Pss: +(\d+) kB$", re.MULTILINE)


class Stat(NamedTuple):
    """What the kernel says of a process."""

    parent: int
    ended: bool
    """True until its parent has asked how it ended."""
    ticks: int
    """User and system time, with that of its children that have ended and were asked for; a second has `TICKS`."""
    resident: int
    """Bytes; pages that others share count in full."""

    @classmethod
    def of(cls, pid: int) -> Stat | None:
        """Ask; None when there is no such process (any more)."""
        try:
            told = (_PROC / str(pid) / "stat").read_bytes()
        except OSError:
            return None
        fields = told.rpartition(b")")[2].split()  # behind the name, which may hold blanks and brackets
        return cls(int(fields[1]), fields[0] in b"ZX", sum(map(int, fields[11:15])), int(fields[21]) * _PAGE)


def tree(root: int) -> dict[int, Stat]:
    """A process and its descendants by their ids, each asked after its parent.

    One that ends meanwhile is left out, or was in its parent's time already: none counts twice.
    """
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal() and (one := Stat.of(int(entry.name))) is not None:
            children.setdefault(one.parent, []).append(int(entry.name))
    found: dict[int, Stat] = {}
    waiting = deque([root])
    while waiting:
        pid = waiting.popleft()
        if (one := Stat.of(pid)) is not None:
            found[pid] = one
            waiting.extend(children.get(pid, ()))
    return found


def memory(pid: int) -> int:
    """Bytes of memory of a process, each page divided by the number of those who share it (PSS).

    Where that cannot be read it is all that is resident, and 0 when the process has ended.
    """
    try:
        found = _PSS.search((_PROC / str(pid) / "smaps_rollup").read_bytes())
    except OSError:
        found = None
    if found is not None:
        return int(found[1]) * 1024
    one = Stat.of(pid)
    return 0 if one is None else one.resident


class Rising:
    """A sum that may fall for a moment, as one that never does.

    It falls while the time of a process that has just ended is in nobody's account, and for good when the time of a
    child's child is lost, because the child ended first. After the first it waits for the sum, which is there again the
    next time; after the second it goes on from where it was.
    """

    def __init__(self) -> None:
        self._told = self._lost = 0
        self._fell = False
        self._one_at_a_time = threading.Lock()

    def __call__(self, total: int) -> int:
        """The sum is `total` now; returns what to tell."""
        with self._one_at_a_time:
            fell, self._fell = self._fell, total + self._lost < self._told
            if fell and self._fell:
                self._lost, self._fell = self._told - total, False
            self._told = max(self._told, total + self._lost)
            return self._told


class TreeCollector(Collector):
    """Processor time, memory and number of the processes."""

    def __init__(self) -> None:
        self._rising = Rising()

    def collect(self) -> Iterator[Metric]:
        """Ask the kernel."""
        found = tree(os.getpid())
        spent_s = self._rising(sum(one.ticks for one in found.values())) / TICKS
        there = [pid for pid, one in found.items() if not one.ended]
        cpu = "User and system time of the daemon and of the processes it has started, those that have ended included."
        yield CounterMetricFamily("vigil_cpu_seconds", cpu, spent_s)
        held = "Memory of the daemon and of the processes it has started; pages that they share count once (PSS)."
        yield GaugeMetricFamily("vigil_memory_bytes", held, sum(map(memory, there)))
        yield GaugeMetricFamily("vigil_processes", "The daemon and the processes it has started.", len(there))
