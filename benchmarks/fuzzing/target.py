"""What is fuzzed: valid inputs, ways to spoil them, and what must hold whatever comes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


class WronglyAcceptedError(AssertionError):
    """An input was accepted that should not have been, or does not come back as it went in."""


@dataclass(frozen=True)
class Target:
    """One parser."""

    name: str
    seeds: Sequence[bytes]
    """Valid inputs."""
    mutate: Callable[[bytes, random.Random], bytes]
    """Spoils an input in the terms of its structure, or as bytes."""
    check: Callable[[bytes], bool]
    """Parses an input: True when it was accepted, False when it was refused as documented; raises anything else."""
    most_s: float = 2.0
    """No input may take longer."""


def require(holds: bool, what: str) -> None:  # noqa: FBT001 - reads as an assertion
    """Raise `WronglyAcceptedError` unless it holds."""
    if not holds:
        raise WronglyAcceptedError(what)


@dataclass(frozen=True)
class Workshop:
    """Where targets write what their parsers read from files, and what costs time to make."""

    folder: Path
    profile: bytes
    """A real profile, cut down so that thousands are parsed a minute."""
