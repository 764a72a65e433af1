"""One line of what `vigil doctor` says."""

from __future__ import annotations

from typing import Literal

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """One line of the report."""

    topic: str
    found: str
    state: Literal["ok", "absent", "problem"] = "ok"
    """absent: something optional that is not there; problem: Vigil cannot run well like this."""
