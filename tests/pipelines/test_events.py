from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.events import EventSettings, EventTracker, Transition
from pipelines.types import Unfit, Verdict
from tests.pipelines.verdicts import Camera


def follow(scores: list[float], settings: EventSettings | None = None, period_s: float = 0.2) -> list[Transition]:
    camera = Camera(period_s=period_s)
    tracker = EventTracker("yard", settings or EventSettings(), "boot")
    seen = [tracker.observe(camera.verdict(score)) for score in scores]
    return [transition for transition in seen if transition is not None]


def phases(transitions: list[Transition]) -> list[str]:
    return [transition.phase for transition in transitions]


def test_normal_frames_make_no_event() -> None:
    assert follow([0.5, 2.9, 1.0]) == []


def test_an_event_begins_at_the_first_flagged_frame() -> None:
    camera, tracker = Camera(), EventTracker("yard", EventSettings(), "boot")
    assert tracker.observe(camera.verdict(1.0)) is None
    flagged = camera.verdict(3.0)
    begin = tracker.observe(flagged)
    assert begin is not None
    assert (begin.phase, begin.verdict, begin.frames, begin.duration_s) == ("begin", flagged, 1, 0.0)
    assert begin.event_id == "boot-yard-1" == tracker.event_id


def test_it_can_wait_for_several_consecutive_flagged_frames() -> None:
    settings = EventSettings(min_frames=3)
    assert follow([4, 4, 1, 4, 4, 2.9, 4, 4], settings) == []
    (begin,) = follow([4, 1, 4, 5, 4], settings)
    assert (begin.frames, begin.peak_score) == (3, 5)
    assert begin.duration_s == pytest.approx(0.4)


def test_a_trembling_score_is_one_event() -> None:
    trembling = [3.1, 2.5] * 15
    seen = phases(follow(trembling))
    assert seen[0] == "begin"
    assert set(seen[1:]) <= {"update"}


def test_it_ends_once_the_score_stayed_low_for_the_cooldown() -> None:
    transitions = follow([4, 4, 4] + [1.0] * 12)
    assert phases(transitions) == ["begin", "end"]
    end = transitions[-1]
    assert end.duration_s == pytest.approx(0.4)
    assert (end.end_reason, end.frames) == ("calm", 3)


def test_a_raised_frame_within_the_cooldown_keeps_it_open() -> None:
    assert phases(follow([4] + [1.0] * 8 + [4] + [1.0] * 8)) == ["begin", "update"]


def test_slow_cameras_do_not_end_an_event_by_their_pace() -> None:
    assert "end" not in phases(follow([4.0] * 6, period_s=10))


def test_a_higher_peak_is_told_at_once() -> None:
    transitions = follow([4, 4.5, 5.1, 5.2])
    assert [(t.phase, t.peak_score) for t in transitions] == [("begin", 4), ("update", 5.1)]


def test_an_object_left_for_hours_is_no_flood() -> None:
    transitions = follow([4.0] * 5 * 3600 * 2)
    early = [t.duration_s for t in transitions if t.duration_s < 10]
    assert early == pytest.approx([0, 1, 2.6, 5, 8.4])
    assert len(transitions) < 2 * 60 + 15


def test_a_lost_camera_ends_its_event() -> None:
    camera, tracker = Camera(), EventTracker("yard", EventSettings(), "boot")
    tracker.observe(camera.verdict(4))
    last = camera.verdict(4)
    tracker.observe(last)
    end = tracker.close("camera")
    assert end is not None
    assert (end.phase, end.end_reason, end.verdict) == ("end", "camera", last)
    assert tracker.close("camera") is None
    again = tracker.observe(camera.verdict(4))
    assert again is not None
    assert again.event_id == "boot-yard-2"


def test_a_lost_camera_breaks_a_run_of_flagged_frames() -> None:
    camera, tracker = Camera(), EventTracker("yard", EventSettings(min_frames=2), "boot")
    assert tracker.observe(camera.verdict(4)) is None
    assert tracker.close("camera") is None
    assert tracker.observe(camera.verdict(4)) is None


settings_strategy = st.builds(
    EventSettings,
    min_frames=st.integers(1, 4),
    release_ratio=st.floats(0.1, 1),
    cooldown_s=st.floats(0, 5),
    update_s=st.floats(0.1, 5),
    peak_ratio=st.floats(1.01, 3),
)
any_score = st.one_of(st.floats(-5, 10), st.sampled_from([float("nan"), float("inf"), 1e9]))
scores_strategy = st.lists(st.tuples(any_score, st.floats(-0.5, 5), st.booleans()), min_size=1, max_size=60)


@given(settings_strategy, scores_strategy, st.floats(-2, 10))
def test_phases_keep_their_order_whatever_comes(
    settings: EventSettings, steps: list[tuple[float, float, bool]], threshold: float
) -> None:
    camera = Camera(threshold=threshold)
    tracker = EventTracker("yard", settings, "boot")
    open_id: str | None = None
    seen_ids: set[str] = set()
    for score, after_s, lost in steps:
        verdict = camera.verdict(score, after_s=after_s)
        for transition in (tracker.observe(verdict), tracker.close("camera") if lost else None):
            if transition is None:
                continue
            if transition.phase == "begin":
                assert open_id is None
                assert transition.event_id not in seen_ids
                assert transition.frames >= settings.min_frames
                open_id = transition.event_id
                seen_ids.add(open_id)
            assert transition.event_id == open_id
            assert transition.duration_s >= 0
            assert (transition.end_reason is not None) == (transition.phase == "end")
            if transition.phase == "end":
                open_id = None
        assert tracker.event_id == open_id


def unfit(camera: Camera, cause: Unfit, score: float = 0.0) -> Verdict:
    return replace(camera.verdict(score), unfit=cause)


def test_a_frame_that_is_not_to_be_judged_begins_nothing() -> None:
    camera, tracker = Camera(), EventTracker("yard", EventSettings(), "boot")
    assert tracker.observe(unfit(camera, "black", 9.0)) is None
    assert tracker.observe(unfit(camera, "unsettled", 9.0)) is None
    assert tracker.event_id is None


def test_a_fault_of_the_camera_ends_its_event_with_the_last_frame_that_was_judged() -> None:
    camera, tracker = Camera(), EventTracker("yard", EventSettings(), "boot")
    begun = camera.verdict(5.0)
    tracker.observe(begun)
    assert tracker.observe(unfit(camera, "unsettled")) is None
    end = tracker.observe(unfit(camera, "covered"))
    assert end is not None
    assert (end.phase, end.end_reason, end.verdict) == ("end", "health", begun)


def test_an_event_goes_on_when_it_was_no_fault_after_all() -> None:
    camera, tracker = Camera(), EventTracker("yard", EventSettings(), "boot")
    tracker.observe(camera.verdict(5.0))
    tracker.observe(unfit(camera, "unsettled"))
    assert tracker.observe(camera.verdict(9.0)) is not None
    assert tracker.event_id == "boot-yard-1"
