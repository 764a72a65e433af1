"""A threshold is fitted to scores that the calibration has not seen."""

from __future__ import annotations

import numpy as np
import pytest

from engines.budget import fit_threshold, fit_threshold_stills, usual_share
from engines.calibration import Doubles
from engines.contract import GAP_S, Floats
from engines.evaluation.alarms import EventRule, events
from engines.ongoing import Piece
from engines.scoring import Fusion, View, Views, fit_fusion, table
from engines.unseen import unseen_scores

FPS = 5.0


def street(rng: np.random.Generator, seconds: float) -> tuple[Views, list[Piece]]:
    """Statistics of a street where somebody comes by every 8 s, for some seconds; some stand out more than others."""
    count = round(seconds * FPS)
    views: dict[View, Floats] = {}
    names: tuple[View, ...] = ("appearance-latent", "motion", "motion-bodies")
    passing = np.cumsum(rng.exponential(8 * FPS, count // 20)).astype(int)
    for view in names:
        values = rng.gamma(20, 0.03, count)
        for first in passing[passing < count - 1]:
            frames = values[first : first + rng.integers(5, 30)]
            frames += rng.lognormal(-1.5, 0.6) * np.hanning(len(frames) + 2)[1:-1]
        views[view] = values.astype(np.float32)
    return views, [(np.arange(count), np.arange(count) / FPS)]


def calibrated(statistics: Views, pieces: list[Piece]) -> Fusion:
    return fit_fusion(statistics, dict.fromkeys(statistics, 1.0), 2.0, pieces)


def alarms(by: Fusion, watched: tuple[Views, list[Piece]], threshold: float) -> int:
    statistics, pieces = watched
    scores = table(by, (), statistics, pieces)[:, 0].astype(float)
    return len(events(pieces[0][1], scores, threshold, EventRule()))


def threshold(scores: Doubles, pieces: list[Piece], an_hour: float) -> float:
    stretches = [(times_s, scores[frames]) for frames, times_s in pieces]
    return fit_threshold(stretches, per_day=24 * an_hour, apart_s=GAP_S).threshold


def test_the_alarms_that_come_are_those_that_were_asked_for() -> None:
    """Learnt from ten minutes, watched for an hour, at six streets."""
    rng, came, seen, streets, an_hour = np.random.default_rng(3), 0, 0, 6, 6.0
    for _ in range(streets):
        statistics, pieces = street(rng, 600)
        by, watched = calibrated(statistics, pieces), street(rng, 3600)
        came += alarms(by, watched, threshold(unseen_scores(by, statistics, pieces), pieces, an_hour))
        fitted = table(by, (), statistics, pieces)[:, 0].astype(float)
        seen += alarms(by, watched, threshold(fitted, pieces, an_hour))
    assert 0.3 < came / (streets * an_hour) < 1.5
    assert came < seen


def test_a_moment_unlike_the_rest_does_not_vouch_for_itself() -> None:
    statistics, pieces = street(np.random.default_rng(0), 300)
    strange = statistics["motion"]
    strange[700:710] += 3
    by = calibrated(statistics, pieces)
    seen = table(by, (), statistics, pieces)[:, 0]
    unseen = unseen_scores(by, statistics, pieces)
    assert unseen[700:710].max() > 1.3 * seen[700:710].max()
    assert np.median(np.abs(unseen - seen)) < 0.05


@pytest.mark.parametrize("count", [20, 90])
def test_stills_have_no_time_and_are_scored_all_the_same(count: int) -> None:
    statistics: Views = {"appearance-latent": np.random.default_rng(0).gamma(9, 0.1, count).astype(np.float32)}
    scores = unseen_scores(calibrated(statistics, []), statistics, [])
    assert scores.shape == (count,)
    assert np.isfinite(scores).all()


def pictures(rng: np.random.Generator, count: int) -> Views:
    """Good parts, of which two in a hundred bear marks that are no defects."""
    marked = np.where(rng.random(count) < 0.02, 1.5, 1.0)
    seen = marked * np.exp(rng.normal(0, 0.15, count))
    regenerated = seen * np.exp(rng.normal(0, 0.1, count))
    return {
        "appearance-latent": seen.astype(np.float32),
        "appearance-reconstruction": regenerated.astype(np.float32),
    }


@pytest.mark.parametrize("count", [40, 80, 300])
def test_of_good_pictures_never_seen_the_stated_share_is_flagged(count: int) -> None:
    rng, draws = np.random.default_rng(4), 20
    unseen, share, flagged, stated = pictures(rng, 10000), usual_share(count), [], 0
    for _ in range(draws):
        learnt = pictures(rng, count)
        by = calibrated(learnt, [])
        budget = fit_threshold_stills(unseen_scores(by, learnt, []), share=share)
        flagged.append(float((table(by, (), unseen)[:, 0] >= budget.threshold).mean()))
        stated += budget.interval[0] <= flagged[-1] <= budget.interval[1]
    assert 0.7 < np.mean(flagged) / share < 1.5
    assert stated >= 0.85 * draws


def test_footage_in_many_short_stretches_is_scored_whole() -> None:
    statistics, _ = street(np.random.default_rng(1), 60)
    pieces = [(np.arange(a, a + 20), np.arange(20) / FPS) for a in range(0, 300, 20)]
    assert np.isfinite(unseen_scores(calibrated(statistics, pieces), statistics, pieces)).all()
