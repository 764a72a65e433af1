"""A covered lens: a hand, a bag, paint, a web. Nothing of the view is in its place, and little else is seen."""

from __future__ import annotations

from typing import Final

from pipelines.health.evidence import WELL, Evidence, Seen
from pipelines.types import HealthKind

_EMPTIED: Final = 0.7
_SUSPECT: Final = 0.3


class Covered:
    """Most of the view's structure is gone, and what is there has no detail: so near to the lens nothing is sharp."""

    kind: HealthKind = "covered"
    begin_s = 1.2
    end_s = 0.8

    def see(self, seen: Seen) -> Evidence:
        """Judge one frame."""
        if seen.beside is None or seen.beside.emptied < _SUSPECT:
            return WELL
        share = seen.beside.emptied
        return Evidence(
            share >= _EMPTIED, suspect=True, cause=f"{share:.0%} of the view is hidden behind something near"
        )

    def forget(self) -> None:
        """Each frame speaks for itself."""
