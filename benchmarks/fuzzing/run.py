"""The loop: take an input, spoil it, check it, keep what led somewhere new."""

from __future__ import annotations

import faulthandler
import random
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.fuzzing.target import Target, WronglyAcceptedError

_MOST_KEPT = 400
_FROM_KEPT = 0.7
"""Share of inputs that are made of those that led somewhere new; the rest are made of valid ones."""
_HANGS_S = 60.0
_ROOMS = ("/engines/", "/pipelines/", "/daemon/")


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that broke a promise."""

    what: str
    data: bytes
    trace: str


@dataclass
class Outcome:
    """What a run came to."""

    tried: int = 0
    accepted: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    lines: int = 0
    """Different lines of Vigil that were reached."""
    failures: dict[str, Failure] = field(default_factory=dict)
    """By what went wrong and where; the first input of each."""


class Reached:
    """Which lines of Vigil's own code a call runs through, told by the interpreter's trace hook."""

    def __init__(self) -> None:
        self.lines: set[tuple[str, int]] = set()
        self._new = False

    def watch(self, target: Target, data: bytes) -> tuple[bool, bool]:
        """Check an input: whether it was accepted, and whether it reached a line that none before it did."""
        self._new = False
        sys.settrace(self._enter)
        try:
            accepted = target.check(data)
        finally:
            sys.settrace(None)
        return accepted, self._new

    def _enter(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        return self._line if any(room in frame.f_code.co_filename for room in _ROOMS) else None

    def _line(self, frame: FrameType, event: str, _argument: Any) -> Any:
        place = (frame.f_code.co_filename, frame.f_lineno)
        if event == "line" and place not in self.lines:
            self.lines.add(place)
            self._new = True
        return self._line


def fuzz(
    target: Target, *, cases: int | None = None, seconds: float | None = None, seed: int = 0, last: Path | None = None
) -> Outcome:
    """Try so many cases, or for so long. Inputs that reach new lines are kept and spoilt further.

    A call that hangs for a minute dumps the stack and ends the process: its input is in the file `last` then.
    """
    chance, outcome, reached = random.Random(seed), Outcome(), Reached()  # noqa: S311 - to be repeated
    kept = list(target.seeds)
    began = time.monotonic()

    def attempt(data: bytes) -> None:
        if last is not None:
            last.write_bytes(data)
        if _try(target, data, reached, outcome):
            kept.append(data)

    for seed_input in target.seeds:
        attempt(seed_input)
    while (cases is None or outcome.tried < cases) and (seconds is None or time.monotonic() - began < seconds):
        parent = chance.choice(kept) if chance.random() < _FROM_KEPT else chance.choice(target.seeds)
        attempt(target.mutate(parent, chance))
        if len(kept) > _MOST_KEPT:
            del kept[len(target.seeds) + chance.randrange(len(kept) - len(target.seeds))]
    outcome.seconds, outcome.lines = time.monotonic() - began, len(reached.lines)
    return outcome


def _try(target: Target, data: bytes, reached: Reached, outcome: Outcome) -> bool:
    """Check one input; whether it reached somewhere new."""
    outcome.tried += 1
    began, new = time.process_time(), False
    faulthandler.dump_traceback_later(_HANGS_S, exit=True)
    try:
        accepted, new = reached.watch(target, data)
        outcome.accepted += accepted
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
        _note(outcome, _named(error), data, traceback.format_exc())
    finally:
        faulthandler.cancel_dump_traceback_later()
    took_s = time.process_time() - began
    outcome.slowest_s = max(outcome.slowest_s, took_s)
    if took_s > target.most_s:
        _note(outcome, "took too long", data, f"{took_s:.1f} s of processor time")
    return new


def _named(error: Exception) -> str:
    """What went wrong: the place, or, where that is a check of ours, the promise that was broken."""
    reason = str(error).splitlines()[0][:160] if str(error) else ""
    if isinstance(error, WronglyAcceptedError):
        return reason
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}"


def _note(outcome: Outcome, what: str, data: bytes, trace: str) -> None:
    if what not in outcome.failures:
        outcome.failures[what] = Failure(f"{what}: {trace.strip().splitlines()[-1][:200]}", data, trace)
