"""The figures of the daemon and what it has started, with real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry

from pipelines.tree import Rising, Stat, TreeCollector, memory, tree
from tests.daemon.stages import until

BURN = "import time\nwhile time.process_time() < {seconds}: pass\n"
TELL = "print('ready', flush=True)\n"
WAIT = "import sys; sys.stdin.read()\n"


class Scraped:
    """The figures, as a scrape gets them."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(TreeCollector())

    def _sample(self, name: str) -> float:
        value = self._registry.get_sample_value(name)
        assert value is not None
        return value

    @property
    def cpu_s(self) -> float:
        return self._sample("vigil_cpu_seconds_total")

    @property
    def memory_mb(self) -> float:
        return self._sample("vigil_memory_bytes") / 2**20

    @property
    def processes(self) -> float:
        return self._sample("vigil_processes")


@contextmanager
def child(script: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has said that it is ready; it ends when the block is left, and is waited for."""
    command = [sys.executable, "-c", script]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


@pytest.fixture
def scraped() -> Scraped:
    return Scraped()


def test_a_childs_processor_time_counts_while_it_lives_and_after_it_was_waited_for(scraped: Scraped) -> None:
    before = scraped.cpu_s
    with child(BURN.format(seconds=0.5) + TELL + WAIT) as process:
        living = scraped.cpu_s
        process.kill()
        until(lambda: _ended(process.pid))
        unasked = scraped.cpu_s
    after = scraped.cpu_s
    assert before + 0.45 <= living <= unasked <= after < before + 2.0


def test_a_childs_child_counts_too(scraped: Scraped) -> None:
    inner = BURN.format(seconds=0.5) + TELL + WAIT
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    cpu_s, processes = scraped.cpu_s, scraped.processes
    with child(outer):
        assert scraped.cpu_s >= cpu_s + 0.45
        assert scraped.processes == processes + 2
    assert scraped.cpu_s >= cpu_s + 0.45
    assert scraped.processes == processes


def test_the_sum_never_falls_while_processes_come_and_go(scraped: Scraped) -> None:
    told = [scraped.cpu_s]
    for _ in range(6):
        with child(TELL + BURN.format(seconds=0.1)) as process:
            while process.poll() is None:
                told.append(scraped.cpu_s)
        told.append(scraped.cpu_s)
    assert told == sorted(told)
    assert told[-1] >= told[0] + 0.55


def test_the_time_of_a_process_whose_parent_ended_first_is_kept_and_the_sum_goes_on(scraped: Scraped) -> None:
    inner = BURN.format(seconds=0.5) + TELL + WAIT
    outer = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {inner!r}])\n" + WAIT
    with child(outer) as process:
        with_both = scraped.cpu_s
        process.kill()
        process.wait()
        assert [scraped.cpu_s >= with_both for _ in range(3)] == [True] * 3
        kept = scraped.cpu_s
        with child(BURN.format(seconds=0.2) + TELL + WAIT):
            assert scraped.cpu_s >= kept + 0.15


def test_memory_that_processes_share_counts_once(scraped: Scraped) -> None:
    forked = (
        "import os, sys\n"
        "held = b'x' * (200 << 20)\n"
        "forked = os.fork()\n"
        "if forked: print('ready', flush=True)\n"
        "sys.stdin.read()\n"
        "if forked: os.wait()\n"
    )
    before, processes = scraped.memory_mb, scraped.processes
    with child(forked):
        assert scraped.processes == processes + 2
        assert 200 <= scraped.memory_mb - before < 260
    assert scraped.memory_mb < before + 50


def test_one_that_has_ended_holds_no_memory_and_is_no_process(scraped: Scraped) -> None:
    processes = scraped.processes
    with child(TELL + WAIT) as process:
        process.kill()
        until(lambda: _ended(process.pid))
        assert scraped.processes == processes
        assert memory(process.pid) == 0
        assert process.pid in tree(os.getpid())
    assert memory(process.pid) == 0
    assert process.pid not in tree(os.getpid())


def test_where_shares_cannot_be_read_all_that_is_resident_counts() -> None:
    """Of a process that may not be looked into, as one is that keeps secrets from others of its user."""
    script = (
        "import ctypes, os\n"
        "from pipelines.tree import Stat, memory\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\n"  # PR_SET_DUMPABLE
        "(there, tell), (wait, end) = os.pipe(), os.pipe()\n"
        "forked = os.fork()\n"
        "if not forked: os.close(end); os.write(tell, b'.'); os.read(wait, 1); os._exit(0)\n"
        "os.read(there, 1)\n"
        "try: open(f'/proc/{forked}/smaps_rollup').read()\n"
        "except PermissionError: print(0.9 < memory(forked) / Stat.of(forked).resident < 1.1)\n"
        "os.close(end)\n"
        "os.wait()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=30)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_a_sum_that_falls_for_a_moment_stays_where_it_was_until_it_is_there_again() -> None:
    rising = Rising()
    assert [rising(total) for total in (50, 20, 60, 70)] == [50, 50, 60, 70]


def test_a_sum_that_falls_for_good_goes_on_from_where_it_was() -> None:
    rising = Rising()
    assert [rising(total) for total in (50, 20, 25, 35, 30, 40)] == [50, 50, 50, 60, 60, 65]


def test_a_name_with_brackets_and_blanks_is_read_past() -> None:
    name = "import ctypes; ctypes.CDLL(None).prctl(15, b') Z 1 (x', 0, 0, 0)\n"  # PR_SET_NAME
    with child(name + TELL + WAIT) as process:
        one = Stat.of(process.pid)
    assert one is not None
    assert (one.parent, one.ended) == (os.getpid(), False)


def _ended(pid: int) -> bool:
    one = Stat.of(pid)
    return one is not None and one.ended
