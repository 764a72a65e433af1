"""What counts as found and as a false alarm."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from daemon.demo.matching import SLACK_S, Box, area, overlap, seen_box, shown, sighting
from tests.daemon.demo.clips import alert_at, message, truth

BIKE = truth(("cyclist", "cyclist-1", 10.0, 16.0, (100, 80, 20, 40)))
ON_IT = (100.0, 80.0, 120.0, 120.0)


def names(clip_s: float, *boxes: Box, over: bool = False) -> list[str]:
    return [one.id for one in shown(alert_at(clip_s, *boxes, over=over), BIKE)]


def test_an_alert_at_its_time_and_place_shows_an_anomaly() -> None:
    assert names(12.0, ON_IT) == ["cyclist-1"]


def test_an_alert_may_come_a_little_before_or_after() -> None:
    assert names(10.0 - SLACK_S + 0.05, ON_IT) == ["cyclist-1"]
    assert names(16.0 + SLACK_S - 0.05, ON_IT) == ["cyclist-1"]
    assert names(10.0 - SLACK_S - 0.2, ON_IT) == []
    assert names(16.0 + SLACK_S + 0.2, ON_IT) == []


def test_an_alert_elsewhere_in_the_picture_does_not_show_it() -> None:
    assert names(12.0, (220.0, 80.0, 240.0, 120.0)) == []


def test_a_place_of_the_map_and_a_shadow_beside_the_box_are_borne_with() -> None:
    # Half the longer side (20 pixels) and a place (10): up to 30 pixels beside the box.
    assert names(12.0, (125.0, 90.0, 145.0, 110.0)) == ["cyclist-1"]
    assert names(12.0, (155.0, 90.0, 175.0, 110.0)) == []


def test_a_box_about_the_whole_picture_shows_nothing() -> None:
    far = truth(("cyclist", "cyclist-1", 10.0, 16.0, (100, 80, 6, 8)))
    assert not shown(alert_at(12.0, (0.0, 0.0, 320.0, 180.0)), far)


def test_any_of_the_boxes_will_do() -> None:
    assert names(12.0, (220.0, 80.0, 240.0, 120.0), ON_IT) == ["cyclist-1"]


def test_the_end_of_an_event_shows_nothing_since_it_is_over() -> None:
    assert names(12.0, ON_IT, over=True) == []


def test_an_alert_without_regions_shows_nothing() -> None:
    assert names(12.0) == []


def test_two_anomalies_at_one_place_and_time_are_both_shown() -> None:
    both = truth(
        ("cyclist", "cyclist-1", 10.0, 16.0, (100, 80, 20, 40)), ("running", "running-1", 15.0, 20.0, (110, 80, 20, 40))
    )
    assert [one.id for one in shown(alert_at(15.5, ON_IT), both)] == ["cyclist-1", "running-1"]


def test_what_the_rule_needs_is_taken_from_the_wire() -> None:
    alert = sighting(message((10, 8, 2, 4), wall_s=1000.0).header, 12.0)
    assert alert.place == (10.0, 10.0)
    assert alert.boxes == ((100.0, 80.0, 120.0, 120.0),)
    assert (alert.camera, alert.event_id) == ("yard", "e1")
    assert not alert.over


def test_a_box_is_that_of_the_frame_shown() -> None:
    assert seen_box(BIKE, "cyclist-1", 12.0) == (100, 80, 120, 120)
    assert seen_box(BIKE, "cyclist-1", 9.9) is None


boxes = st.tuples(*[st.floats(0, 100)] * 4).map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)


@given(boxes, boxes)
def test_an_overlap_is_mutual_and_no_larger_than_either_box(one: Box, other: Box) -> None:
    assert overlap(one, other) == overlap(other, one)
    assert overlap(one, other) <= min(area(one), area(other)) + 1e-9
    assert math.isclose(overlap(one, one), area(one), abs_tol=1e-9)
