"""From records to figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

import numpy as np
import pytest

from engines.evaluation.alarms import EventRule
from engines.evaluation.figures import Figures
from engines.evaluation.judge import cross_row, figures, shift_row
from engines.evaluation.pooled import Pooled, poisson_interval
from engines.evaluation.record import ClipRecord, Maps, Promise
from tests.engines.evaluation.records import record, stills

RULE = EventRule()


@pytest.fixture(scope="module")
def records() -> Iterator[list[ClipRecord]]:
    with ExitStack() as stack:
        made = [record("one"), record("two", abnormal=None), record("three", abnormal=(0, 30))]
        for one in made:
            stack.callback(one.close)
        yield made


@pytest.fixture(scope="module")
def found(records: list[ClipRecord]) -> Figures:
    return figures("place", "profile", records, RULE)


def test_frames_are_counted(found: Figures) -> None:
    assert (found.frames, found.abnormal_frames, found.normal_frames) == (600, 81, 519)
    assert found.hours == pytest.approx(600 / 5 / 3600)


def test_a_detector_that_sees_all_is_told_so(found: Figures) -> None:
    assert found.frame.auroc == pytest.approx(1.0)
    assert found.frame.f1 == pytest.approx(1.0)
    assert found.alarms.found == found.alarms.instances == 2
    assert found.alarms.false_alarms == 0
    assert found.alarms.delay_median_s == 0
    assert found.place.regions == 81
    assert (found.place.pixel_auroc or 0) > 0.95
    assert (found.place.pro or 0) > 0.8
    assert (found.place.region_auroc or 0) > 0.99
    assert (found.place.rbdc or 0) > 0.9
    assert (found.place.tbdc or 0) > 0.9


def test_the_mean_over_clips_is_over_those_with_both_kinds(records: list[ClipRecord], found: Figures) -> None:
    assert found.frame.auroc_by_clip == pytest.approx(1.0)
    assert [row.frame_auroc is None for row in found.clips] == [False, True, False]
    assert Pooled(records, RULE).still is False


def test_signals_kinds_and_sizes_have_their_rows(found: Figures) -> None:
    assert [row.signal for row in found.signals] == [
        "fused",
        "appearance-latent",
        "appearance-reconstruction",
        "motion",
    ]
    assert [(row.kind, row.instances, row.regions) for row in found.kinds] == [("square", 2, 81)]
    assert [(row.size, row.regions) for row in found.sizes] == [("medium: 1 to 5 %", 81)]


def test_other_thresholds_are_tried(found: Figures) -> None:
    point = found.at_one_per_hour
    assert point is not None
    assert point.false_alarms_per_hour <= 1
    assert point.found_share == 1.0
    assert point.found_share_by_kind == {"square": 1.0}
    rates = [x for x, _ in found.curves.alarms]
    assert rates[0] == 0
    assert max(rates) > 100


def test_normal_footage_alone_has_a_rate_and_no_areas() -> None:
    quiet = record(abnormal=None)
    with ExitStack() as stack:
        stack.callback(quiet.close)
        found = figures("quiet", "profile", [quiet], RULE)
    assert found.frame.auroc is None
    assert found.place.pixel_auroc is None
    assert found.place.rbdc is None
    assert found.alarms.false_alarms_per_hour == 0
    assert found.kinds == ()
    assert found.curves.roc == ()


def test_a_picture_is_found_by_itself_and_not_by_its_neighbour() -> None:
    with closing(stills(1, 2, 5, 4, 1, 1, abnormal=(1, 2))) as clip:
        found = figures("stills", "profile", [clip], RULE)
    assert found.still
    assert (found.alarms.instances, found.alarms.found) == (2, 1)
    assert found.alarms.false_alarms == 1
    assert found.alarms.false_alarms_per_hour is None
    assert found.alarms.delay_median_s is None
    assert found.alarms.flagged_normal_share == pytest.approx(0.25)


def test_rows_across_scenes_and_shifts(records: list[ClipRecord]) -> None:
    row = cross_row("here", "there", records, RULE, home=False)
    assert (row.profile, row.footage, row.home) == ("here", "there", False)
    assert row.found_share == 1.0
    shifted = shift_row("there", "noise", "much", records, RULE)
    assert shifted.frame_auroc == pytest.approx(1.0)
    assert shifted.flagged_normal_share == 0
    assert 0 < (shifted.median_normal_score or 0) < 3


def test_the_interval_of_a_rate() -> None:
    # Garwood's interval for 10 events, and the rule of three's exact form for none.
    assert poisson_interval(10, 1.0) == pytest.approx((4.795, 18.39), abs=0.01)
    assert poisson_interval(0, 1.0) == pytest.approx((0.0, 3.689), abs=0.001)
    assert poisson_interval(0, 10.0)[1] == pytest.approx(0.3689, abs=0.001)


def test_a_promise_is_held_against_what_was_measured() -> None:
    """40 s of normal footage: one false event that never ends at a low threshold, none at a high one."""
    with closing(record("calm", abnormal=None)) as calm:
        for threshold, rate, high, kept in (
            (3.0, 1.0, 30.0, True), (0.5, 0.1, 1.0, False), (0.5, 300.0, 2000.0, True)
        ):  # fmt: skip
            calm.threshold, calm.promise = threshold, Promise(rate, 0.01, high)
            alarms = Pooled([calm], RULE).alarm_figures()
            assert (alarms.promised, alarms.promised_interval) == (rate, (0.01, high))
            assert alarms.promise_kept is kept, (threshold, alarms.false_alarms)


def test_profiles_together_promise_nothing_and_stills_a_share() -> None:
    pictures = stills(*([1.0] * 50), 9.0, abnormal=())
    pictures.promise = Promise(0.01, 0.001, 0.1)
    assert Pooled([pictures], RULE).alarm_figures().promise_kept
    pictures.promise = Promise(1e-6, 1e-7, 1e-5)
    assert Pooled([pictures], RULE).alarm_figures().promise_kept is False
    other = stills(1.0, abnormal=())
    assert Pooled([pictures, other], RULE).alarm_figures().promised is None
    for one in (pictures, other):
        one.close()


def test_maps_come_back_as_they_were() -> None:
    with Maps() as maps:
        for number in range(3):
            maps.append(np.full((2, 3), number / 4, np.float32))
        assert [float(one[1, 2]) for one in maps] == [0, 0.25, 0.5]
        assert [float(one[0, 0]) for one in maps] == [0, 0.25, 0.5]
        maps.append(np.full((2, 3), np.inf, np.float32))
        assert len(list(maps)) == len(maps) == 4
