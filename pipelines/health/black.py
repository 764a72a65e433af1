"""A black picture: lens cap, dead sensor, lights out where no infrared helps. A dark night still shows something."""

from __future__ import annotations

from typing import Final

import numpy as np

from pipelines.health.evidence import WELL, Evidence, Seen
from pipelines.types import HealthKind

_DARK: Final = 30
"""Black of the limited range is 16, and a sensor that sees nothing still makes noise."""
_DARKER: Final = 0.7
_FLAT: Final = 1.0
"""Grey levels a cell: the mean gradient of noise alone."""
_FLATTER: Final = 0.12


class Black:
    """Nearly nothing above black, and nearly no edge."""

    kind: HealthKind = "black"
    begin_s = 1.0
    end_s = 0.6

    def see(self, seen: Seen) -> Evidence:
        """Judge one frame."""
        bright = seen.look.bright
        # Where nights are dark enough for this, they were enrolled, or show their edges.
        if bright > _DARK or (seen.view is not None and bright >= _DARKER * seen.view.least_bright + 4):
            return WELL
        return Evidence(
            _flat(seen),
            suspect=True,
            cause=f"the picture is black: 98 of 100 pixels are darker than {bright + 1} of 255",
        )

    def forget(self) -> None:
        """Each frame speaks for itself."""


def _flat(seen: Seen) -> bool:
    most = _FLAT
    if seen.view is not None:
        most = max(most, _FLATTER * float(np.median(seen.of_shown(seen.view.coarse))))
    return float(np.median(seen.of_shown(seen.look.coarse))) <= most
