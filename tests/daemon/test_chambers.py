"""How many processes judge, and what each gets of the settings."""

from __future__ import annotations

import os

import pytest

from daemon.chambers import processes_of, share_of
from engines.runtime.select import EngineSettings


@pytest.fixture
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2, 3})


@pytest.mark.usefixtures("four_cores")
@pytest.mark.parametrize(("cameras", "processes"), [(1, 0), (8, 0), (9, 2), (16, 2), (17, 3), (64, 3)])
def test_many_cameras_are_judged_in_processes_no_more_than_they_are_worth(cameras: int, processes: int) -> None:
    assert processes_of(EngineSettings(runtime="openvino"), cameras) == processes


@pytest.mark.usefixtures("four_cores")
def test_a_setting_has_the_last_word() -> None:
    assert processes_of(EngineSettings(runtime="openvino", judge_in="threads"), 64) == 0
    assert processes_of(EngineSettings(runtime="openvino", judge_in="processes"), 1) == 1
    assert processes_of(EngineSettings(runtime="openvino", judge_in="processes", judges=4), 2) == 4


def test_one_judge_is_a_thread_of_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0})
    assert processes_of(EngineSettings(runtime="openvino", judge_in="processes"), 64) == 0


def test_threads_and_streams_are_shared_out_and_each_judge_has_one_at_the_least() -> None:
    shared = share_of(EngineSettings(threads=8, streams=3), 2)
    assert (shared.threads, shared.streams, shared.judges) == (4, 2, 1)
    alone = share_of(EngineSettings(), 3)
    assert (alone.threads, alone.streams) == (1, 1)
