"""Whether, where and for how long alerts are kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

_GB = 1_000_000_000
_DAY_S = 86_400


class JournalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The table ``[journal]``."""

    enabled: bool = True
    folder: Annotated[str, msgspec.Meta(min_length=1)] = "auto"
    """Where the journal lies; auto is StateDirectory= of the unit, else ~/.local/state/vigil. A daemon needs one of
    its own."""
    keep_days: Annotated[float, msgspec.Meta(gt=0, le=36_500)] = 30.0
    """Alerts older than this are removed."""
    most_gb: Annotated[float, msgspec.Meta(ge=0.001, le=1_000_000)] = 10.0
    """The oldest alerts are removed when the journal is larger than so many GB (1,000,000,000 bytes)."""
    pictures: bool = True
    """Whether pictures are kept; headers always are."""
    patience_s: Annotated[float, msgspec.Meta(ge=0.05, le=10)] = 1.0
    """An alert waits no longer than this for a disk that hangs, and is then published all the same."""

    @property
    def most_bytes(self) -> int:
        """`most_gb` in bytes."""
        return round(self.most_gb * _GB)

    @property
    def keep_s(self) -> float:
        """`keep_days` in seconds."""
        return self.keep_days * _DAY_S


def default_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where ``folder = "auto"`` is: systemd's StateDirectory=, else the user's own folder for state."""
    given = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given) / "journal"
    try:
        home = Path(environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser()
    except RuntimeError:  # the home of nobody
        home = Path("/var/lib")
    return home / "vigil" / "journal"
