"""Says where footage is too short, or pictures are too few, for the budget of false alarms that is aimed at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engines.budget import Budget, alarms_a_day, pictures_for

_FAR: Final = 100.0
"""An extrapolation beyond this many times the footage is worth a warning."""
_SHORT_S: Final = 300.0
"""Footage shorter than this does not hold enough of what is normal: from two minutes, measured rates were two to twelve
times those asked for."""


def short_footage(seconds: float, budget: Budget) -> Iterator[str]:
    """For people, one line at most."""
    minutes, alarms = seconds / 60, alarms_a_day(budget.wanted)
    if seconds < _SHORT_S:
        yield (
            f"{minutes:.1f} minutes of footage hold little of what is normal here: several times the {alarms} "
            "that you asked for may come; enrol again with ten minutes or more"
        )
    elif budget.extrapolation > _FAR:
        yield (
            f"{minutes:.1f} minutes of footage: the threshold for {alarms} is extrapolated "
            f"{budget.extrapolation:.0f} times beyond it, from {budget.events} peaks; "
            "longer footage makes it surer, and alerts more sensitive"
        )


def few_pictures(count: int, budget: Budget, *, asked: bool) -> Iterator[str]:
    """The same for stills; `asked` says that the budget was, and is not what their number bears out."""
    enough = pictures_for(budget.wanted)
    if not asked and count < pictures_for(0.01):
        yield (
            f"{count} pictures are few: the threshold aims at {of_hundred(budget.wanted)} normal ones flagged, so that "
            f"it does not hang on the oddest of them; {pictures_for(0.01)} pictures aim at 1 of 100"
        )
    elif budget.extrapolation > 1:
        yield (
            f"{count} pictures do not show where {of_hundred(budget.wanted)} begin: the threshold lies among or beyond "
            f"the oddest one or two of them, and defects that are no odder are missed; {enough} pictures would show it"
        )


def of_hundred(share: float) -> str:
    """A share of pictures in words."""
    return f"{float(f'{100 * share:.2g}'):g} of 100"
