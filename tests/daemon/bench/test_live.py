"""A daemon on stand-in cameras, and what is read off it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from daemon.bench.figures import Found
from daemon.bench.ingest import ingest
from daemon.bench.live import slope
from daemon.bench.rig import Plan, Seat
from daemon.bench.watch import Watched, p99_ms, tell, watch
from engines.profile import Profile


@pytest.fixture
def learnt(profile: Profile, tmp_path: Path) -> Path:
    profile.save(tmp_path / "place.vigil")
    return tmp_path / "place.vigil"


def test_figures_come_from_the_daemons_own_metrics(tmp_path: Path, odd_clip: Path, learnt: Path) -> None:
    seats = {"a": Seat(odd_clip, learnt, alarmed=True), "b": Seat(odd_clip, learnt)}
    seen = watch(tmp_path, Plan(seats=seats, fps=2.0, extra="[engine]\nthreads = 1"), 1.0, 5.0)
    assert set(seen.analysed) == {"a", "b"}
    assert 0.5 < seen.share <= 1.0
    assert 0 < seen.cores < 3
    assert 50 < seen.rss_mb[2] < 1000
    assert seen.alerts > 0
    assert 0 < p99_ms(seen) < 5000
    found = Found()
    tell(found, "two", seen)
    assert {"two: frames analysed", "two: capture to publish, p99"} <= {figure.name for figure in found.figures}


def test_unevenness_is_the_gap_between_best_and_worst_served() -> None:
    seen = _watched({"a": 90.0, "b": 110.0})
    assert seen.unevenness == pytest.approx(0.2)
    assert seen.share == 1.0


def test_without_alerts_the_verdict_is_what_is_timed() -> None:
    assert p99_ms(_watched({"a": 1.0})) == 20.0


def test_slope_is_what_one_more_adds() -> None:
    assert slope([(8, 300.0), (16, 380.0), (32, 540.0)]) == pytest.approx(10.0)


def test_ingest_is_timed_over_the_whole_clip(odd_clip: Path) -> None:
    assert 0 < ingest(odd_clip) < 20


def _watched(analysed: dict[str, float]) -> Watched:
    return Watched(
        cameras=len(analysed),
        seconds=1.0,
        offered=1.0,
        analysed=analysed,
        dropped={},
        cores=1.0,
        rss_mb=(1.0, 1.0, 1.0),
        verdict_ms=(10.0, 20.0),
        publish_ms=(math.nan, math.nan),
        alerts=0.0,
    )
