"""What a threshold promises, and how far the footage bears it out, in words."""

from __future__ import annotations

from rich.table import Table

from engines.budget import Budget, alarms_a_day
from engines.enrolment import Enrolled
from engines.shortness import of_hundred


def promise(enrolled: Enrolled) -> str:
    """One line."""
    (low, high), wanted = enrolled.budget.interval, enrolled.budget.wanted
    if enrolled.profile.still:
        count = enrolled.profile.provenance["frames"]["learnt"]
        return (
            f"expect {of_hundred(wanted)} normal pictures flagged; from {count} pictures the true share may be "
            f"anywhere from {_span(enrolled.budget)}"
        )
    minutes = enrolled.seconds / 60
    length = f"{minutes:.1f} minutes" if minutes < 60 else f"{minutes / 60:.1f} hours"
    return (
        f"expect {alarms_a_day(wanted)}; from {length} of footage the true rate may be anywhere from "
        f"{_quantity(low)} to {_quantity(high)} a day"
    )


def choices(enrolled: Enrolled) -> Table:
    """What other budgets would bring, of stills."""
    table = Table(title="other budgets", title_justify="left")
    for name in ("--false-alarm-share", "true share", "threshold"):
        table.add_column(name, justify="right")
    for one in enrolled.choices:
        table.add_row(f"{one.wanted:g}", _span(one), f"{one.threshold:.2f}")
    return table


def choices_told(enrolled: Enrolled) -> list[dict[str, float]]:
    """The same for programs."""
    return [{**told(one), "threshold": one.threshold} for one in enrolled.choices]


def told(budget: Budget) -> dict[str, float]:
    """A promise for programs: the rate that is aimed at and where the true one may be."""
    low, high = budget.interval
    return {"rate": budget.wanted, "low": low, "high": high}


def _span(budget: Budget) -> str:
    low, high = budget.interval
    return f"{100 * low:.2g} to {100 * min(high, 1):.2g} of 100"


def _quantity(value: float) -> str:
    """Two digits that count: a bound is no more exact than that."""
    return f"{float(f'{value:.2g}'):,.15g}"
