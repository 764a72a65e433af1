"""What a profile says of itself: from what footage, by which code and network, on which machine, with what result.

It is for people and programs that ask later why a camera judges as it does, and for who wants the same profile again.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from engines.budget import Budget
from engines.contract import Engine
from engines.network.files import Network
from engines.version import code_version


@dataclass(frozen=True, slots=True)
class Origin:
    """A stretch of footage and what it was read from."""

    source: str
    """What people call it; holds no secret."""
    frames: int
    sha256: str | None
    """Of the file, or of all files of a folder together; None of streams and devices, which are no files."""

    def told(self) -> dict[str, Any]:
        """For the provenance."""
        hashed = {} if self.sha256 is None else {"sha256": self.sha256}
        return {"source": self.source, "frames": self.frames, **hashed}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of the footage that is unlike all the rest and was not learnt."""

    source: str
    time_s: float
    """Where it begins, on the source's clock; for a still its number."""
    why: str

    def told(self) -> dict[str, Any]:
        """For the provenance."""
        return {"source": self.source, "time_s": self.time_s, "why": self.why}


def made_of(origins: Sequence[Origin], left_out: Sequence[LeftOut]) -> dict[str, Any]:
    """The footage."""
    return {"sources": [one.told() for one in origins], "left_out": [one.told() for one in left_out]}


def made_with(network: Network, engine: Engine) -> dict[str, Any]:
    """The moment, the code, the network and how it was trained, and the machine."""
    info, trained = engine.info, network.provenance
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {**code_version(), "python": platform.python_version(), "numpy": np.__version__},
        "network": network.id,
        "training": {key: trained[key] for key in ("recipe_id", "seed", "figures", "versions") if key in trained},
        "engine": {"runtime": info.runtime, "device": info.device, "precision": info.precision},
    }


def figures_of(budget: Budget) -> dict[str, Any]:
    """The threshold and how sure it is, see `budget.Budget`."""
    return {
        "threshold": budget.threshold,
        "peaks": budget.events,
        "extrapolation": budget.extrapolation,
        "rate": budget.wanted,
        "rate_interval": list(budget.interval),
        "rate_likely": list(budget.likely),
        "rate_ceiling": budget.ceiling,
    }
