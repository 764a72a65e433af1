from __future__ import annotations

import dataclasses
import time

from daemon.board import Board
from pipelines.types import CameraState, CameraStatus

STATUS = CameraStatus(
    camera="a",
    state="starting",
    reason="",
    since_wall_s=0,
    last_frame_wall_s=None,
    reconnects=0,
    score=None,
    threshold=None,
)


def report(board: Board, camera: str, state: CameraState) -> None:
    board.report(dataclasses.replace(STATUS, camera=camera, state=state))


def test_live_since_is_that_of_the_camera_that_is_live_the_longest() -> None:
    board = Board()
    report(board, "a", "starting")
    assert board.live_since_ns() is None
    report(board, "a", "live")
    first = board.live_since_ns()
    assert first is not None
    time.sleep(0.002)
    report(board, "b", "live")
    report(board, "a", "live")  # said again: it has been live all along
    assert board.live_since_ns() == first
    report(board, "a", "lost")
    second = board.live_since_ns()
    assert second is not None
    assert second > first
    report(board, "b", "ended")
    assert board.live_since_ns() is None
    assert board.states() == {"lost": 1, "ended": 1}


def test_the_last_word_of_a_camera_that_was_taken_out_is_not_heard() -> None:
    board = Board()
    report(board, "a", "live")
    board.forget("a")
    report(board, "a", "live")
    assert board.live_since_ns() is None
    assert board.status("a") is None
    board.expect("a")
    report(board, "a", "live")
    assert board.live_since_ns() is not None
