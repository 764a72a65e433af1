"""Runs a command under the unit's system call filter: ``python -m tests.systemd.sandbox COMMAND ARGUMENT...``.

systemd itself is not needed: its own tool names the calls of each group, and libseccomp, which it uses too, makes
the filter.
"""

import ctypes
import errno
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache

from tests.systemd.exporter import SYSTEMD

_ALLOW, _ERRNO, _EQUAL = 0x7FFF0000, 0x00050000, 4
_FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}


class _Compare(ctypes.Structure):
    """scmp_arg_cmp: the argument, how to compare it, and with what."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def values(key: str) -> list[str]:
    """The values of a key in the unit, in order."""
    return re.findall(rf"^{key}=(.*)$", (SYSTEMD / "vigil.service").read_text(), re.MULTILINE)


@cache
def members(name: str) -> frozenset[str]:
    """The system calls of a group such as ``@system-service``, those of the groups in it included."""
    if not name.startswith("@"):
        return frozenset({name})
    told = subprocess.run(
        ["systemd-analyze", "syscall-filter", name], stdout=subprocess.PIPE, text=True, check=True, timeout=30
    ).stdout
    inner = re.findall(r"^\s+(@?[a-z0-9_-]+)$", told, re.MULTILINE)
    return frozenset[str]().union(*(members(each) for each in inner))


def allowed() -> Iterator[str]:
    """The calls that the unit's SystemCallFilter= lines leave."""
    calls: set[str] = set()
    for line in values("SystemCallFilter"):
        named = set[str]().union(*(members(each) for each in line.removeprefix("~").split()))
        calls = calls - named if line.startswith("~") else calls | named
    yield from sorted(calls)


def confine() -> None:
    """Put the calling process, and all that it starts, under the filter. Cannot be undone."""
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(_ERRNO | errno.EPERM))
    for name in allowed():
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            continue  # of another architecture
        for compare in _families() if name == "socket" else [None]:
            count = 0 if compare is None else 1
            library.seccomp_rule_add_array(context, _ALLOW, number, count, compare and ctypes.byref(compare))
    if library.seccomp_load(context) != 0:
        raise OSError("the filter was not taken")


def _families() -> Iterator[_Compare]:
    (families,) = values("RestrictAddressFamilies")
    for family in families.split():
        yield _Compare(0, _EQUAL, _FAMILIES[family], 0)


if __name__ == "__main__":
    confine()
    os.execvp(sys.argv[1], sys.argv[1:])
