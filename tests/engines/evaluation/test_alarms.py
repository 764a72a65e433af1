"""Events, false alarms and delays."""

from __future__ import annotations

import numpy as np
import pytest

from engines.evaluation.alarms import EventRule, events, judge, normal_seconds
from engines.evaluation.truth import Instance

RULE = EventRule(min_frames=1, release_ratio=0.8, cooldown_s=2.0)
TIMES = np.arange(40) / 2  # two frames a second


def scores(**at: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    made = np.zeros(40)
    for name, value in at.items():
        made[int(name[1:])] = value
    return made


def test_a_gap_shorter_than_the_cooldown_keeps_the_event() -> None:
    made = events(TIMES, scores(f4=5.0, f7=4.0), 5.0, RULE)
    assert [(e.began_s, e.ended_s, e.peak) for e in made] == [(2.0, 3.5, 5.0)]


def test_a_longer_gap_makes_two() -> None:
    assert len(events(TIMES, scores(f4=5.0, f20=6.0), 5.0, RULE)) == 2


def test_an_event_needs_its_frames_in_a_row() -> None:
    rule = EventRule(min_frames=2)
    assert events(TIMES, scores(f4=5.0, f6=5.0), 5.0, rule) == []
    assert events(TIMES, scores(f4=5.0, f5=6.0), 5.0, rule)[0].began_s == 2.0


def test_an_event_goes_on_to_the_end() -> None:
    assert events(TIMES, scores(f39=5.0), 5.0, RULE)[0].ended_s == 19.5


def test_false_alarms_delays_and_misses() -> None:
    truth = np.zeros(40, np.int8)
    truth[20:25] = truth[34:38] = 1
    instances = (Instance("a", "car", 10.0, 12.0), Instance("b", "car", 17.0, 18.5))
    outcome = judge(TIMES, scores(f4=5.0, f21=5.0), truth, instances, 5.0, RULE)
    assert [event.began_s for event in outcome.false] == [2.0]
    assert [(one.found, one.delay_s) for one in outcome.found] == [(True, 0.5), (False, None)]
    assert outcome.normal_s == pytest.approx(31 / 2)


def test_just_before_an_anomaly_is_no_false_alarm() -> None:
    truth = np.zeros(40, np.int8)
    truth[20:25] = 1
    instance = (Instance("a", "car", 10.0, 12.0),)
    assert judge(TIMES, scores(f18=5.0), truth, instance, 5.0, RULE).false == ()
    assert len(judge(TIMES, scores(f17=5.0), truth, instance, 5.0, RULE).false) == 1


def test_what_nobody_judged_is_no_false_alarm_and_no_normal_time() -> None:
    truth = np.full(40, -1, np.int8)
    outcome = judge(TIMES, scores(f4=5.0), truth, (), 5.0, RULE)
    assert outcome.false == ()
    assert outcome.normal_s == 0


def test_a_gap_in_the_footage_is_not_normal_time() -> None:
    times = np.array([0.0, 0.5, 1.0, 100.0, 100.5])
    assert normal_seconds(times, np.zeros(5, np.int8)) == pytest.approx(2.5)


def test_an_event_that_never_ends_is_a_false_alarm() -> None:
    truth = np.zeros(40, np.int8)
    truth[4:8] = truth[30:34] = 1
    instances = (Instance("a", "car", 2.0, 3.5), Instance("b", "car", 15.0, 16.5))
    always = np.where(np.arange(40) >= 4, 9.0, 0.0)
    assert len(judge(TIMES, always, truth, instances, 5.0, RULE).false) == 1
    # Flagged until three seconds after the anomaly, as smoothing may have it, is none.
    lingering = np.where((np.arange(40) >= 4) & (TIMES <= 6.5), 9.0, 0.0)
    assert judge(TIMES, lingering, truth, instances, 5.0, RULE).false == ()
