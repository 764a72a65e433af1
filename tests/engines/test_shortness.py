"""What people are told when footage is too short, or pictures are too few."""

from __future__ import annotations

import numpy as np
import pytest

from engines.budget import Budget, fit_threshold_stills, usual_share
from engines.shortness import few_pictures, of_hundred, short_footage


def budget(count: int, share: float) -> Budget:
    return fit_threshold_stills(np.random.default_rng(0).exponential(0.4, count), share=share)


def daily(extrapolation: float) -> Budget:
    return Budget(1.0, 5.0, 12, extrapolation, (0.1, 2.0), 3.0)


@pytest.mark.parametrize(
    ("count", "share", "told"),
    [
        (80, None, "aims at 3.8 of 100 normal ones"),
        (20, None, "20 pictures are few"),
        (299, None, "300 pictures aim at 1 of 100"),
        (300, None, ""),
        (80, 0.01, "80 pictures do not show where 1 of 100 begin"),
        (80, 0.001, "3000 pictures would show it"),
        (80, 0.05, ""),
        (3000, 0.001, ""),
    ],
)
def test_pictures_that_do_not_bear_out_the_share_are_told_of(count: int, share: float | None, told: str) -> None:
    made = budget(count, share or usual_share(count))
    lines = list(few_pictures(count, made, asked=share is not None))
    assert len(lines) == (told != "")
    assert told in "".join(lines)


@pytest.mark.parametrize(
    ("seconds", "extrapolation", "told"),
    [(120, 700, "2.0 minutes of footage hold little"), (600, 144, "extrapolated 144 times"), (86400, 1, "")],
)
def test_footage_that_does_not_bear_out_the_budget_is_told_of(seconds: float, extrapolation: float, told: str) -> None:
    lines = list(short_footage(seconds, daily(extrapolation)))
    assert len(lines) == (told != "")
    assert told in "".join(lines)


def test_a_share_in_words() -> None:
    assert [of_hundred(share) for share in (0.01, 0.0375, 0.05, 0.0005, 0.15)] == [
        "1 of 100",
        "3.8 of 100",
        "5 of 100",
        "0.05 of 100",
        "15 of 100",
    ]
