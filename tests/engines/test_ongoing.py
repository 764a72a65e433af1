"""What goes on for a second counts for more than what is over at once."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from engines.calibration import SURPRISE_SCALE, fit_surprise_tail
from engines.contract import Floats
from engines.ongoing import ONGOING_S, Piece, fit_ongoing
from engines.scoring import Fusion, Smoother, Views, averaged, fit_fusion, row, table

FPS = 5.0
COUNT = 3000


def pieces(count: int = COUNT) -> list[Piece]:
    """One stretch of footage."""
    return [(np.arange(count), np.arange(count) / FPS)]


def normal() -> Views:
    rng = np.random.default_rng(0)
    return {
        "appearance-latent": rng.gamma(9, 0.1, COUNT).astype(np.float32),
        "motion": rng.gamma(3, 0.3, COUNT).astype(np.float32),
    }


def fusion(*, ongoing: bool = True) -> Fusion:
    statistics = normal()
    return fit_fusion(statistics, dict.fromkeys(statistics, 1.0), 2.0, pieces() if ongoing else ())


def scores(by: Fusion, motion: Floats) -> Floats:
    at: Views = {"appearance-latent": np.full(len(motion), 0.9, np.float32), "motion": motion}
    return table(by, (), at, pieces(len(motion)))[:, 0]


def bump(frames: int) -> Floats:
    """Ten seconds in which motion is a little strange for so many frames."""
    motion = np.full(50, 0.9, np.float32)
    motion[25 : 25 + frames] = 3.5
    return motion


def test_the_longer_it_goes_on_the_higher_the_score() -> None:
    by = fusion()
    once, second, longer = (scores(by, bump(frames)).max() for frames in (1, 5, 15))
    assert once < second < longer


def test_nothing_is_told_of_what_is_over() -> None:
    by = fusion()
    told = scores(by, bump(15))
    assert told[40:].max() <= told[:20].max() + 1e-3


def test_without_it_a_long_anomaly_scores_as_a_short_one() -> None:
    by = fusion(ongoing=False)
    assert by.ongoing is None
    assert scores(by, bump(1)).max() == pytest.approx(scores(by, bump(15)).max())


def test_scores_keep_the_meaning_of_surprise() -> None:
    """Normal footage reaches a score as often as surprise says, or, of high ones, more seldom."""
    by = fusion()
    reached = table(by, (), normal(), pieces())[:, 0]
    assert (reached >= 1).mean() == pytest.approx(0.1, rel=0.1)
    assert (reached >= 2).mean() <= 0.01


def test_live_frames_are_judged_as_in_a_table() -> None:
    by, rng = fusion(), np.random.default_rng(1)
    some: Views = {view: np.asarray(rng.choice(values, 40) * 1.5, np.float32) for view, values in normal().items()}
    smoother = Smoother(ONGOING_S)

    def average(time_s: float, now: Floats) -> Floats:
        return np.minimum(smoother.step(time_s, now), now)

    live = [
        row(by, (by,), {view: float(values[index]) for view, values in some.items()}, partial(average, index / FPS))
        for index in range(40)
    ]
    np.testing.assert_allclose(np.array(live), table(by, (by,), some, pieces(40)), rtol=1e-3, atol=1e-4)


def test_a_gap_in_the_footage_is_not_averaged_across() -> None:
    values: Views = {"motion": np.array([9, 9, 9, 1, 9], np.float32)}
    times = np.array([0, 0.2, 0.4, 60, 60.2])
    made = averaged(values, [(np.arange(5), times)])["motion"]
    assert made[4] < 3


def test_both_ways_to_score_are_brought_to_one_scale() -> None:
    """What goes on counts like the moment where normal peaks of both are as rare, though it is half as high."""
    moment = np.asarray(np.random.default_rng(2).exponential(SURPRISE_SCALE, COUNT), np.float32)
    made = fit_ongoing(moment, np.asarray(moment / 2, np.float32), pieces())
    high, nothing = np.array([3.0, 4.0], np.float32), np.zeros(2, np.float32)
    half = np.array([1.5, 2.0], np.float32)
    assert made.lasting.surprise(half).tolist() == pytest.approx(high.tolist(), rel=0.3)
    alone = fit_surprise_tail(moment.astype(np.float64)).surprise(high)
    assert made.scores(high, nothing).tolist() == pytest.approx(alone.tolist(), rel=0.2)


def test_it_lives_in_the_profile() -> None:
    by = fusion()
    again = Fusion.from_arrays(by.to_arrays("fusion"), "fusion")
    np.testing.assert_allclose(scores(again, bump(8)), scores(by, bump(8)), rtol=1e-5)


def test_footage_in_which_nothing_ever_goes_on_can_be_calibrated() -> None:
    moment = np.zeros(200, np.float32)
    made = fit_ongoing(moment, moment, pieces(200))
    assert np.isfinite(made.scores(np.array([0, 5], np.float32), np.array([0, 5], np.float32))).all()
