from __future__ import annotations

import pytest

from daemon.worker import Worker
from tests.daemon.stages import Failing, Ticking, until


def test_a_stage_is_opened_stepped_and_closed_on_the_thread_of_that_name() -> None:
    trace: list[str] = []
    stage = Ticking(trace=trace)
    worker = Worker(stage, "capture-gate")
    worker.start()
    until(lambda: stage.steps > 3)
    worker.stop()
    assert worker.join(1.0)
    assert stage.threads == {"capture-gate"}
    assert trace == ["open ticking", "close ticking"]
    assert worker.finished
    assert worker.error is None


def test_the_heartbeat_follows_the_steps() -> None:
    stage = Ticking()
    worker = Worker(stage, "t")
    worker.start()
    until(lambda: worker.opened)
    first = worker.beat_ns
    until(lambda: worker.beat_ns > first)
    worker.stop()
    assert worker.join(1.0)


def test_a_stage_that_is_done_ends_its_thread() -> None:
    worker = Worker(Ticking(steps=3), "t")
    worker.start()
    assert worker.join(1.0)
    assert worker.finished


@pytest.mark.parametrize(
    ("where", "first"),
    [("open", "no open"), ("step", "no step"), ("close", "no close"), ("step close", "no step")],
)
def test_the_first_error_is_kept_and_the_stage_closed_once(where: str, first: str) -> None:
    trace: list[str] = []
    stage = Failing(where)
    stage._trace = trace
    worker = Worker(stage, "t")
    worker.start()
    if where == "close":
        until(lambda: stage.steps > 0)
        worker.stop()
    assert worker.join(1.0)
    assert str(worker.error) == first
    assert not worker.finished
    assert trace.count("close failing") == 1
