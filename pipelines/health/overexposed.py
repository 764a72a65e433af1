"""An overexposed picture: most of it at the end of the range, where no detail is left."""

from __future__ import annotations

from typing import Final

from pipelines.health.evidence import WELL, Evidence, Seen
from pipelines.types import HealthKind

_WASHED: Final = 0.5
_MORE: Final = 0.25
_SUSPECT_MORE: Final = 0.15


class Overexposed:
    """Far more of the picture is washed out than ever was in ordinary footage."""

    kind: HealthKind = "overexposed"
    begin_s = 1.0
    end_s = 0.6

    def see(self, seen: Seen) -> Evidence:
        """Judge one frame."""
        washed = seen.look.washed
        usual = 0.0 if seen.view is None else seen.view.most_washed
        if washed < usual + _SUSPECT_MORE:
            return WELL
        present = washed >= max(_WASHED, min(usual + _MORE, 0.97))
        return Evidence(present, suspect=True, cause=f"{washed:.0%} of the picture is overexposed")

    def forget(self) -> None:
        """Each frame speaks for itself."""
