"""Real threads, real mailboxes, and more cameras than a slow engine can serve."""

from __future__ import annotations

import pytest

from benchmarks.overload import run


@pytest.mark.parametrize("judges", [1, 2])
def test_above_capacity_frames_stay_young_and_no_camera_is_left_out(judges: int) -> None:
    figures = run(load=1.5, capacity=80, seconds=3.0, judges=judges)
    least, most = figures["least and most kept by a camera"]
    assert 0.3 <= least <= most <= 0.8
    assert most - least < 0.35, "where shares are not fair one camera gets all and another nothing"
    assert figures["latency p50 / p99 / highest, ms"][1] < 500, "the staleness budget"
