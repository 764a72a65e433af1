"""Keeps passwords that were typed as arguments out of the list of processes, and out of the traceback of a crash."""

from __future__ import annotations

import os
import sys
import traceback
from types import TracebackType

import msgspec

from pipelines.redact import redact

_HANDED_ON = "VIGIL_ARGUMENTS_FD"
_MOST_BYTES = 1 << 22


def arguments() -> list[str]:
    """This process's arguments; where one holds a password, from a new start of the program that does not show it.

    Every user of a machine can read the arguments of its processes. The program is started again in the same process,
    with ``***`` in place of the password, and gets what was typed through a file in memory that it alone can read.
    """
    handed_on = os.environ.pop(_HANDED_ON, None)
    if handed_on is not None:
        with os.fdopen(int(handed_on), "rb") as memory:
            return msgspec.json.decode(memory.read(_MOST_BYTES), type=list[str])
    typed = sys.argv[1:]
    shown = [redact(word) for word in typed]
    if shown != typed:
        sys.stderr.write(
            "vigil: note: the password in that address could be seen in the list of processes for a moment, and stays "
            "in your shell's history: better put it into a file\n"
        )
        _start_again(typed, shown)
    return typed


def _start_again(typed: list[str], shown: list[str]) -> None:
    memory = os.memfd_create("arguments")
    os.write(memory, msgspec.json.encode(typed))
    os.lseek(memory, 0, os.SEEK_SET)
    os.set_inheritable(memory, True)  # noqa: FBT003 - the library's own
    os.environ[_HANDED_ON] = str(memory)
    sys.stderr.flush()
    program = sys.orig_argv[: len(sys.orig_argv) - len(typed)]
    os.execv(sys.executable, [*program, *shown])  # noqa: S606 - this very program


def crash_without_secrets() -> None:
    """Have an error that nobody caught printed without the secrets that it may name."""
    sys.excepthook = _print


def _print(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))
