"""What the endurance benchmarks judge by: slopes with their noise, and the schedule of troubles."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np
import pytest

from benchmarks.slopes import slope_of
from benchmarks.troubles import TROUBLES, Trouble, spells
from pipelines.simulation.faults import Faults

SECONDS = np.arange(0.0, 7200.0, 10.0)


def wandering(seed: int) -> np.ndarray:
    """A quantity that goes up and down for minutes and always comes back, with some outliers."""
    random = np.random.default_rng(seed)
    noise = np.zeros(len(SECONDS))
    for i in range(1, len(noise)):
        noise[i] = 0.9 * noise[i - 1] + random.normal()
    noise[random.integers(0, len(noise), 20)] += 50
    return 300.0 + noise


def test_a_level_quantity_is_called_level_nearly_always() -> None:
    assert sum(slope_of(SECONDS, wandering(seed)).level for seed in range(10)) >= 8


@pytest.mark.parametrize("seed", range(3))
def test_a_leak_is_seen_through_the_noise(seed: int) -> None:
    slope = slope_of(SECONDS, wandering(seed) + 5 * SECONDS / 3600)
    assert slope.rises
    assert slope.low < 5 < slope.high


def test_what_never_changes_is_level_and_gaps_are_left_out() -> None:
    values = np.full(len(SECONDS), 12.0)
    values[3:9] = np.nan
    slope = slope_of(SECONDS, values)
    assert (slope.per_hour, slope.low, slope.high, slope.typical) == (0, 0, 0, 12)
    assert slope.level


def test_too_few_points_say_nothing() -> None:
    with pytest.raises(ValueError, match="too few"):
        slope_of(SECONDS[:9], SECONDS[:9])


def test_every_camera_meets_every_trouble_one_at_a_time_and_ends_well() -> None:
    cameras = [f"cam{i}" for i in range(4)]
    plan = spells(cameras, seconds=2500.0, period_s=100.0, share=0.4)
    assert [spell.begin_s for spell in plan] == sorted(spell.begin_s for spell in plan)
    for camera in cameras:
        own = [spell for spell in plan if spell.camera == camera]
        assert {spell.trouble.name for spell in own} == {trouble.name for trouble in TROUBLES}
        assert all(before.end_s < after.begin_s for before, after in pairwise(own))
        assert own[-1].end_s < 2400.0


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_a_trouble_is_told_in_words_that_the_camera_server_knows(trouble: Trouble) -> None:
    first, *rest = trouble.begin("cam0")
    verb, camera, faults = first.split(" ", 2)
    assert (verb, camera) == ("faults", "cam0")
    assert isinstance(msgspec.json.decode(faults, type=Faults), Faults)
    assert all(line.split()[0] in {"drop", "reset", "jump", "wrap"} for line in rest)
