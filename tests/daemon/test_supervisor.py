from __future__ import annotations

import threading
import time

import pytest

from daemon.errors import StageDied
from daemon.supervisor import Backoff, Post, Supervisor
from engines.errors import EngineError
from pipelines.stage import Stage
from tests.daemon.stages import Failing, Ticking, Wedged, until

QUICK = Backoff(first_s=0.02, longest_s=0.08, settled_s=60)


def never() -> bool:
    return False


def post(stage: Stage, restart: Backoff | None = None) -> Post:
    return Post(thread=stage.name, make=lambda _stop: stage, restart=restart)


def checked(supervisor: Supervisor) -> bool:
    supervisor.check()
    return True


def stop(supervisor: Supervisor, within_s: float = 1.0) -> list[str]:
    supervisor.signal_stop()
    return supervisor.join(time.monotonic() + within_s, never)


def test_stages_open_in_order_downstream_first() -> None:
    trace: list[str] = []
    supervisor = Supervisor([post(Ticking(name, trace=trace)) for name in ("publish", "infer", "capture-a")])
    supervisor.start(never)
    assert trace == ["open publish", "open infer", "open capture-a"]
    assert stop(supervisor) == []
    assert sorted(trace[3:]) == ["close capture-a", "close infer", "close publish"]


def test_a_stage_that_cannot_open_ends_the_start_with_its_cause() -> None:
    supervisor = Supervisor([post(Ticking("publish")), post(Failing("open", "infer")), post(Ticking("capture-a"))])
    with pytest.raises(StageDied, match="infer: RuntimeError: no open"):
        supervisor.start(never)
    assert [worker.thread for worker in supervisor.workers] == ["publish", "infer"]
    assert stop(supervisor) == []


def test_the_death_of_a_stage_that_is_needed_is_raised() -> None:
    supervisor = Supervisor([post(Failing("step", "infer", after=3)), post(Ticking("capture-a"))])
    supervisor.start(never)
    until(lambda: not supervisor.workers[0].alive)
    with pytest.raises(StageDied, match="infer: RuntimeError: no step"):
        supervisor.check()
    stop(supervisor)


def test_a_needed_stage_that_just_ends_is_a_death_too() -> None:
    supervisor = Supervisor([post(Ticking("publish", steps=1))])
    supervisor.start(never)
    until(lambda: not supervisor.workers[0].alive)
    with pytest.raises(StageDied, match="publish: ended although"):
        supervisor.check()


def test_a_vigil_error_is_told_in_its_own_words() -> None:
    class Broken(Ticking):
        def step(self) -> bool:
            raise EngineError("the network does not fit")

    supervisor = Supervisor([post(Broken("infer"))])
    supervisor.start(never)
    until(lambda: not supervisor.workers[0].alive)
    with pytest.raises(StageDied, match=r"^infer: the network does not fit$"):
        supervisor.check()


def test_a_capture_thread_that_dies_is_made_anew_and_the_others_never_notice() -> None:
    made: list[Failing] = []
    deaths: list[BaseException] = []

    def make(_stop: threading.Event) -> Stage:
        made.append(Failing("step", "capture-b", after=1))
        return made[-1]

    other = Ticking("capture-a")
    supervisor = Supervisor([post(other, QUICK), Post("capture-b", make, QUICK, deaths.append)])
    supervisor.start(never)
    deadline = time.monotonic() + 3
    while len(made) < 4:
        supervisor.check()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    assert supervisor.workers[0].stage is other
    assert supervisor.workers[0].alive
    assert len(deaths) >= 3
    assert stop(supervisor) == []


def test_the_wait_before_a_restart_doubles_up_to_a_bound() -> None:
    backoff = Backoff(first_s=1, longest_s=60, budget=10, spent_s=600)
    assert [backoff.wait_s(n) for n in (1, 2, 3, 7, 10, 11, 500)] == [1, 2, 4, 60, 60, 600, 600]


def test_a_spent_budget_is_told_once_and_so_is_that_all_is_well_again() -> None:
    made: list[Ticking] = []
    told: list[bool] = []

    def make(_stop: threading.Event) -> Stage:
        made.append(Failing("step", "capture-b", after=0) if len(made) < 4 else Ticking("capture-b"))
        return made[-1]

    backoff = Backoff(first_s=0.01, longest_s=0.01, settled_s=0.2, budget=2, spent_s=0.02)
    supervisor = Supervisor([Post("capture-b", make, backoff, on_spent=told.append)])
    supervisor.start(never)
    until(lambda: checked(supervisor) and told == [True], 10)
    until(lambda: checked(supervisor) and told == [True, False], 10)
    assert stop(supervisor) == []


def test_a_camera_that_has_ended_is_not_restarted() -> None:
    supervisor = Supervisor([post(Ticking("capture-a", steps=1), QUICK)])
    supervisor.start(never)
    until(lambda: not supervisor.workers[0].alive)
    supervisor.check()
    assert supervisor.finished(["capture-a"])


def test_one_deadline_is_shared_by_all_and_those_left_are_named() -> None:
    wedged = [Wedged("capture-a"), Wedged("capture-b")]
    supervisor = Supervisor([post(Ticking("infer")), *(post(w, QUICK) for w in wedged)])
    supervisor.start(never)
    began = time.monotonic()
    assert sorted(stop(supervisor, within_s=0.2)) == ["capture-a", "capture-b"]
    assert time.monotonic() - began < 0.5
    for each in wedged:
        each.let_go.set()


def test_a_capture_thread_that_hangs_is_told_of_once_and_when_it_goes_on() -> None:
    class Sticky(Wedged):
        def step(self) -> bool:
            self.let_go.wait()
            return Ticking.step(self)

    sticky, told = Sticky("capture-a"), list[bool]()
    hanging = Post("capture-a", lambda _stop: sticky, QUICK, on_hang=told.append)
    supervisor = Supervisor([post(Ticking("infer")), hanging], stall_s=0.1)
    supervisor.start(never)
    until(lambda: checked(supervisor) and told == [True])
    supervisor.check()
    sticky.let_go.set()
    until(lambda: checked(supervisor) and told == [True, False])
    assert stop(supervisor) == []


def test_a_post_can_be_added_and_given_up_while_the_others_run() -> None:
    stays, goes, comes = Ticking("capture-a"), Ticking("capture-b"), Ticking("capture-c")
    supervisor = Supervisor([post(stays, QUICK), post(goes, QUICK)])
    supervisor.start(never)
    supervisor.add(post(comes, QUICK))
    supervisor.remove("capture-b")
    until(lambda: checked(supervisor) and comes.steps > 2)
    assert [worker.thread for worker in supervisor.workers] == ["capture-a", "capture-c"]
    steps = goes.steps
    assert stop(supervisor) == []
    assert goes.steps <= steps + 1
    assert supervisor.errors() == []


def test_who_takes_a_place_comes_after_who_had_it_has_gone() -> None:
    trace: list[str] = []
    supervisor = Supervisor([post(Ticking("capture-a", trace=trace), QUICK)])
    supervisor.start(never)
    until(lambda: supervisor.workers[0].opened)
    supervisor.replace(post(Ticking("capture-a", trace=trace), QUICK))
    until(lambda: checked(supervisor) and len(trace) >= 3)
    assert trace == ["open capture-a", "close capture-a", "open capture-a"]
    assert stop(supervisor) == []


def test_who_will_not_go_is_passed_over_and_still_waited_for_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.supervisor._HAND_OVER_S", 0.1)
    stuck, comes = Wedged("capture-a"), Ticking("capture-a")
    supervisor = Supervisor([post(stuck, QUICK)])
    supervisor.start(never)
    supervisor.replace(post(comes, QUICK))
    until(lambda: checked(supervisor) and comes.steps > 0)
    assert stop(supervisor, within_s=0.3) == ["capture-a"]
    stuck.let_go.set()


def test_a_start_can_be_cancelled_while_a_stage_opens() -> None:
    class Slow(Ticking):
        def open(self) -> None:
            time.sleep(0.3)

    supervisor = Supervisor([post(Slow("infer")), post(Ticking("capture-a"))])
    asked = time.monotonic() + 0.05
    supervisor.start(lambda: time.monotonic() > asked)
    assert [worker.thread for worker in supervisor.workers] == ["infer"]
    assert stop(supervisor) == []
