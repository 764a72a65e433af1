from __future__ import annotations

from dataclasses import replace

from pipelines.status import StatusBoard
from tests.pipelines.publishing import status
from tests.pipelines.verdicts import SECOND, Camera


def board(*cameras: str) -> StatusBoard:
    made = StatusBoard(heartbeat_s=5)
    for camera in cameras:
        made.add(camera, now_ns=0, wall_s=100.0)
    return made


def test_a_camera_that_never_came_is_starting() -> None:
    (told,) = board("yard").due(0)
    assert (told.state, told.reason, told.last_frame_wall_s) == ("starting", "no frame yet", None)


def test_each_camera_is_due_once_a_heartbeat() -> None:
    made = board("yard", "gate")
    assert len(made.due(0)) == 2
    assert made.due(4 * SECOND) == []
    assert len(made.due(5 * SECOND)) == 2


def test_a_new_state_or_reason_is_due_at_once() -> None:
    made = board("yard")
    made.due(0)
    made.report(status("yard", "lost", "no data"), now_ns=SECOND)
    assert [s.state for s in made.due(SECOND)] == ["lost"]
    made.report(status("yard", "lost", "no data", reconnects=3), now_ns=2 * SECOND)
    assert made.due(2 * SECOND) == []
    made.report(status("yard", "lost", "refused"), now_ns=3 * SECOND)
    assert [(s.reason, s.reconnects) for s in made.due(3 * SECOND)] == [("refused", 0)]


def test_the_latest_score_and_frame_are_remembered() -> None:
    made, camera = board("yard"), Camera(wall_s=1000)
    made.saw(camera.verdict(2.5))
    made.report(replace(status("yard", "live"), last_frame_wall_s=900.0), now_ns=0)
    (told,) = made.due(0)
    assert (told.score, told.threshold, told.last_frame_wall_s) == (2.5, 3.0, 1000.2)


def test_a_clock_that_is_set_back_takes_the_last_frame_with_it() -> None:
    made = board("yard")
    made.saw(Camera(wall_s=5000).verdict(2.5))
    made.saw(Camera(wall_s=1400).verdict(2.5))
    (told,) = made.due(0)
    assert told.last_frame_wall_s == 1400.2


def test_cameras_it_does_not_know_are_left_alone() -> None:
    made = board()
    made.report(status("stranger", "live"), now_ns=0)
    made.saw(Camera(name="stranger").verdict(1))
    made.remove("stranger")
    assert made.due(10 * SECOND) == []


def test_someone_who_begins_to_listen_hears_all() -> None:
    made = board("yard", "gate")
    made.due(0)
    made.hasten(SECOND)
    assert len(made.due(SECOND)) == 2


def test_many_cameras_do_not_speak_all_at_once() -> None:
    made = board(*(f"cam{number}" for number in range(100)))
    counts = [len(made.due(SECOND)) for _ in range(5)]
    assert counts == [32, 32, 32, 4, 0]


def test_a_fault_that_comes_or_goes_is_due_at_once() -> None:
    made = board("yard")
    made.report(status("yard", "live"), now_ns=0)
    made.due(0)
    made.report(replace(status("yard", "live"), health=("black",)), now_ns=SECOND)
    assert [s.health for s in made.due(SECOND)] == [("black",)]
    made.report(status("yard", "live"), now_ns=2 * SECOND)
    assert [s.health for s in made.due(2 * SECOND)] == [()]


def test_a_frame_that_was_not_judged_leaves_the_latest_score() -> None:
    made, camera = board("yard"), Camera()
    made.saw(camera.verdict(2.5))
    made.saw(replace(camera.verdict(0.0), unfit="black"))
    assert made.status("yard").score == 2.5
