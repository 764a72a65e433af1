"""What came of it, from messages that came."""

from __future__ import annotations

import pytest

from daemon.demo.site import Counts
from daemon.demo.tally import Outcome, quantile, shortcomings, tally
from tests.daemon.demo.clips import heard, message, truth

KNOWN = truth(
    ("cyclist", "cyclist-1", 10.0, 16.0, (100, 80, 20, 40)), ("running", "running-1", 20.0, 26.0, (200, 40, 20, 40))
)
ON_BIKE, ASTRAY = (10, 8, 2, 4), (2, 2, 2, 2)
COUNTS = {"yard": Counts(received=300, analysed=149, sampled_out=150, dropped=1)}


def outcome(*alerts: tuple[float, tuple[int, int, int, int], str]) -> Outcome:
    messages = [(clip_s, message(place, event=event, wall_s=1000 + clip_s)) for clip_s, place, event in alerts]
    (one,) = tally(heard(messages, KNOWN), {"yard": KNOWN}, COUNTS)
    return one


def test_found_and_missed_are_told_with_the_delay() -> None:
    one = outcome((11.5, ON_BIKE, "e1"), (12.5, ON_BIKE, "e1"))
    assert one.kinds_found == ("cyclist",)
    assert one.kinds_missed == ("running",)
    assert [p.found_after_s for p in one.planted] == [1.5, None]
    assert one.false_alarms == ()


def test_an_event_that_shows_nothing_is_a_false_alarm() -> None:
    one = outcome((5.0, ASTRAY, "e1"), (6.0, ASTRAY, "e1"), (12.0, ON_BIKE, "e2"))
    assert [(alarm.event_id, alarm.clip_s) for alarm in one.false_alarms] == [("e1", 5.0)]
    assert (one.alerts, one.events) == (3, 2)


def test_an_event_that_shows_an_anomaly_at_any_time_is_no_false_alarm() -> None:
    assert outcome((8.0, ASTRAY, "e1"), (10.5, ON_BIKE, "e1")).false_alarms == ()


def test_frames_and_latency_are_counted() -> None:
    one = outcome((12.0, ON_BIKE, "e1"))
    assert (one.frames_received, one.frames_analysed, one.frames_dropped) == (300, 149, 1)
    assert one.latency_p50_ms == pytest.approx(5.0, abs=0.01)


def test_a_camera_without_alerts_is_told_of() -> None:
    one = outcome()
    assert one.kinds_found == ()
    assert one.latency_p99_ms is None


def test_a_view_of_which_too_little_was_found_is_not_good_enough() -> None:
    (text,) = shortcomings([outcome((12.0, ON_BIKE, "e1"))])
    assert text == "yard: 1 of 5 kinds found, 4 are wanted (missed: running)"


def test_one_false_alarm_is_borne_in_all_and_two_are_not() -> None:
    bad = outcome((5.0, ASTRAY, "e1"), (12.0, ON_BIKE, "e2"))
    assert not any("false" in text for text in shortcomings([bad]))
    assert "2 false alarms, at most 1 is borne" in shortcomings([bad, bad])


def test_quantiles_are_values_that_occurred() -> None:
    assert quantile([3.0, 1.0, 2.0, 4.0], 0.5) == 2.0
    assert quantile([3.0, 1.0, 2.0, 4.0], 0.99) == 4.0
    assert quantile([], 0.5) is None
