import os
import subprocess
import sys

import pytest

_COUNT = """
import ctypes, sys, tempfile, threading
from daemon.arenas import limit_arenas
if sys.argv[1] == "limited":
    assert limit_arenas()
together = threading.Barrier(12)
def allocate():
    together.wait()
    kept = ctypes.CDLL(None).malloc(1000)
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
with tempfile.NamedTemporaryFile() as told:
    file = ctypes.c_void_p(libc.fopen(told.name.encode(), b"w"))
    libc.malloc_info(0, file)
    libc.fclose(file)
    print(told.read().count(b"<heap "))
"""


def _arenas(how: str) -> int:
    unset = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    done = subprocess.run([sys.executable, "-c", _COUNT, how], env=unset, capture_output=True, text=True, check=True)
    return int(done.stdout)


_GLIBC = "CS_GNU_LIBC_VERSION" in os.confstr_names and bool(os.confstr("CS_GNU_LIBC_VERSION"))


@pytest.mark.skipif(not _GLIBC, reason="the C library is not glibc")
def test_many_threads_share_few_arenas_of_memory() -> None:
    cores = max(2, len(os.sched_getaffinity(0)))
    assert _arenas("limited") <= cores
    assert _arenas("as ever") > cores
