"""What stands: passers-by, and those who tarry, fade; what was left behind does not, until it is fetched."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engines.contract import Floats
from engines.lasting import APART_S, CONSTANT_S, LastingLatent, Standing, lasting_scale, stand

FPS = 5


def standing_of(present: range, frames: int) -> list[float]:
    """How far one place stands out from frame to frame, where a thing was seen in the frames `present`."""
    running, standing, made = LastingLatent(), Standing(), []
    for index in range(frames):
        mean = running.step(index / FPS, np.full((1, 1, 1), float(index in present), np.float32))
        least = standing.step(index / FPS, None if mean is None else mean[..., 0].copy())
        made.append(math.nan if least is None else float(min(least[0, 0], running.brief[0, 0, 0])))
    return made


def test_nothing_is_said_before_both_averages_are_there() -> None:
    made = standing_of(range(0), 80)
    first = next(index for index, value in enumerate(made) if not math.isnan(value))
    assert first == round((2 * CONSTANT_S + APART_S) * FPS)


def test_who_tarries_for_two_seconds_fades_and_what_was_left_does_not() -> None:
    passer, left = standing_of(range(70, 80), 140), standing_of(range(70, 140), 140)
    assert np.nanmax(passer) < 0.15
    assert left[-1] > 0.9
    assert left[70 + FPS * 6] > 0.5, "it takes no longer than six seconds to tell"


def test_a_thing_that_was_fetched_is_gone_within_two_seconds() -> None:
    made = standing_of(range(70, 140), 180)
    assert made[138] > 0.9
    assert made[140 + 2 * FPS] < 0.05


def test_a_gap_begins_anew() -> None:
    standing = Standing()
    distance = np.ones((2, 2), np.float32)
    for index in range(40):
        standing.step(index / FPS, distance)
    assert standing.step(8.0, distance) is not None
    assert standing.step(8.2, None) is None
    assert standing.step(8.4, distance) is None


def across_a_switch(before: float, since_s: float = 6.0) -> list[float]:
    """What stands where something as strange as `before` was, then nothing was known for so long, then it was 3."""
    standing = Standing()
    for index in range(30):
        standing.step(index / FPS, np.full((1, 1), before, np.float32))
    standing.bridge()
    for index in range(30, 30 + round(since_s * FPS)):
        assert standing.step(index / FPS, None) is None
    made = []
    for index in range(30 + round(since_s * FPS), 160):
        least = standing.step(index / FPS, np.full((1, 1), 3.0, np.float32))
        made.append(math.nan if least is None else float(least[0, 0]))
    return made


def test_what_stood_before_a_switch_of_regimes_and_stands_after_it_is_told_at_once() -> None:
    assert across_a_switch(2.0)[0] == 2
    assert across_a_switch(0.1)[: round(APART_S * FPS)] == pytest.approx([0.1] * round(APART_S * FPS))
    assert across_a_switch(0.1)[-1] == 3, "what came with the switch is told when it has been there as long"


def test_what_stood_long_ago_says_nothing() -> None:
    assert math.isnan(across_a_switch(2.0, since_s=4 * APART_S)[0])


@pytest.mark.parametrize("fps", [2, 5, 25])
def test_distances_are_compared_by_the_clock_at_any_rate(fps: int) -> None:
    times = [index / fps for index in range(20 * fps)]
    distances = np.array([[[time_s]] for time_s in times], np.float32)
    made = stand(times, distances)
    measured = ~np.isnan(made[:, 0, 0])
    assert times[int(measured.argmax())] == pytest.approx(APART_S)
    late = distances[measured, 0, 0] - made[measured, 0, 0]
    assert late.min() >= APART_S - 1e-5
    assert late.max() <= APART_S + 0.6


def test_standing_of_footage_leaves_open_what_was_not_measured() -> None:
    rng = np.random.default_rng(0)
    distances: Floats = rng.uniform(1, 2, (100, 2, 3)).astype(np.float32)
    distances[:20] = np.nan
    times = [index / FPS for index in range(100)]
    made = stand(times, distances)
    assert np.isnan(made[: 20 + round(APART_S * FPS)]).all()
    since = 100 - 1 - round(APART_S * FPS)
    some = [np.minimum(distances[-1], distances[since - late]) for late in range(3)]
    assert any(np.array_equal(made[-1], one) for one in some)


def test_the_scale_is_higher_where_more_happens_and_nowhere_near_zero() -> None:
    rng = np.random.default_rng(0)
    distances = np.abs(rng.normal(0, 1, (200, 8, 8))).astype(np.float32)
    distances[:, :, 4:] *= 10
    scale = lasting_scale(distances)
    assert scale[:, 6:].min() > 2 * scale[:, :2].max()
    assert lasting_scale(np.zeros((10, 8, 8), np.float32)).min() >= 2
