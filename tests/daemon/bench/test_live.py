"""A daemon on stand-in cameras, and what is read off it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.bench.figures import Found, Lines
from daemon.bench.footage import Footage
from daemon.bench.ingest import ingest
from daemon.bench.live import Live, measure_load, measure_scaling, measure_streams, slope
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
    assert 50 < seen.memory_mb[2] < 1000
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


class Recorded(Live):
    """Instead of watching, looks up what a machine that analyses 100 frames a second did: 10 MB and 10 ms a camera."""

    def seats(self, count: int, still: float = 0.0) -> dict[str, Seat]:
        del still
        return {f"cam{number:02d}": Seat(Path("clip.mp4"), Path("place.vigil")) for number in range(count)}

    def run(self, plan: Plan, settle_s: float, seconds: float) -> Watched:
        del settle_s, seconds
        count = len(plan.seats)
        each = min(plan.fps, 100.0 / count)
        return _watched(dict.fromkeys(plan.seats, each), offered=count * plan.fps, grown=10.0 * count)


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return Recorded(footage=Footage(tmp_path, lambda _: None), quick=False, say=lambda _: None)


def test_memory_is_judged_at_eight_cameras_and_by_what_each_further_one_adds(recorded: Recorded) -> None:
    found = Found()
    measure_scaling(found, recorded)
    values = {bar.what: bar.value for bar in found.bars}
    assert values["memory with 8 cameras, MB"] == pytest.approx(180.0)
    assert values["memory of each further camera, MB"] == pytest.approx(10.0)
    assert [len(chart.series[0].points) for chart in found.charts if isinstance(chart, Lines)] == [7, 7, 7, 7]


def test_load_is_a_share_of_what_the_machine_can_take(recorded: Recorded) -> None:
    found = Found()
    measure_load(found, recorded)
    values = {figure.name: figure.value for figure in found.figures}
    assert values["capacity"] == pytest.approx(100.0)
    assert values["50% load: frames analysed"] == pytest.approx(50.0)
    assert values["90% load: share of frames analysed"] == pytest.approx(1.0)
    assert values["120% load: share of frames analysed"] == pytest.approx(1 / 1.2)
    assert all(bar.met for bar in found.bars)


def test_streams_that_are_not_all_analysed_miss_the_bar(recorded: Recorded) -> None:
    few, many = Found(), Found()
    measure_streams(few, replace(recorded, cameras=10))
    measure_streams(many, replace(recorded, cameras=40))
    assert [bar.met for bar in few.bars] == [True, True]
    assert [bar.met for bar in many.bars] == [False, True]


def _watched(analysed: dict[str, float], offered: float = 1.0, grown: float = 0.0) -> Watched:
    return Watched(
        cameras=len(analysed),
        seconds=1.0,
        offered=offered,
        analysed=analysed,
        dropped={"replaced": 1.0},
        cores=1.0,
        memory_mb=(100.0, 100.0, 100.0 + grown),
        verdict_ms=(10.0, 20.0),
        publish_ms=(math.nan, math.nan),
        alerts=0.0,
    )
