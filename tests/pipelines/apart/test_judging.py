"""A process that judges says what a thread would, and its end is an error like any other of an engine."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from daemon.chambers import Apart, Here
from daemon.helpers import Helper, end_all
from daemon.logs import LogSettings
from engines.contract import Batch, Scores
from engines.detector import Detector, prepare
from engines.errors import EngineError
from engines.profile import Profile
from engines.runtime.select import EngineSettings
from engines.zoning import GRAIN, Hidden, Zoning
from pipelines.apart.judging import Stored
from pipelines.metrics import Metrics
from pipelines.seating import Judge, Scorer
from pipelines.sources.source import Sample

SETTINGS = EngineSettings(precision="f32", threads=1, streams=1, judges=1, cache="off")
PATIENCE_S = 20.0


@dataclass
class Room:
    """A judge in a process of its own, of whom one camera is known."""

    helper: Helper
    judge: Judge
    prepared: Stored
    chamber: Apart
    registry: CollectorRegistry


@pytest.fixture
def room(profile: Profile) -> Iterator[Room]:
    helper, registry = Helper("judge-0", LogSettings()), CollectorRegistry()
    chamber = Apart(partial(helper.connect, "judge", "judge-0"), SETTINGS, Metrics(registry))
    judge = chamber.judge(profile.network, 8)
    judge.engine.open()
    prepared = chamber.prepare(judge, prepare("a", profile, profile.network.id))
    assert isinstance(prepared, Stored)
    prepared.join("a")
    yield Room(helper, judge, prepared, chamber, registry)
    judge.engine.close()
    end_all([helper], PATIENCE_S)


@pytest.fixture(scope="module")
def here(profile: Profile) -> Iterator[Judge]:
    judge = Here(SETTINGS, 1, Metrics(CollectorRegistry())).judge(profile.network, 8)
    judge.engine.open()
    yield judge
    judge.engine.close()


def scored(scorer: Scorer, samples: list[Sample], camera: str = "a") -> list[Scores]:
    return [
        scorer.score(Batch(cameras=(camera,), times_s=(sample.time_s,), pixels=[sample.pixels])) for sample in samples
    ]


def anew(judge: Judge, profile: Profile, camera: str = "a") -> Scorer:
    """The detector of this process, which begins anew with the camera."""
    assert isinstance(judge.detector, Detector)
    judge.detector.add(camera, prepare(camera, profile, profile.network.id))
    return judge.detector


def test_scores_maps_and_situations_are_those_of_a_detector_in_this_process(
    room: Room, here: Judge, profile: Profile, samples: list[Sample]
) -> None:
    alone = scored(anew(here, profile), samples)
    apart = scored(room.judge.detector, samples)
    for one, other in zip(apart, alone, strict=True):
        np.testing.assert_allclose(one.score, other.score, rtol=1e-5)
        np.testing.assert_array_equal(one.threshold, other.threshold)
        np.testing.assert_allclose(one.map, other.map, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(one.uncertainty, other.uncertainty, rtol=1e-4)
        assert list(one.situations) == list(other.situations)
        assert set(one.signals) == set(other.signals)
    assert max(one.score[0] for one in apart) > 2 * apart[0].threshold[0]


def test_several_frames_of_several_cameras_go_in_one_batch(
    room: Room, here: Judge, profile: Profile, samples: list[Sample]
) -> None:
    again = room.chamber.prepare(room.judge, prepare("b", profile, profile.network.id))
    again.join("b")
    detector = anew(here, profile)
    anew(here, profile, "b")
    for sample in samples[:5]:
        batch = Batch(cameras=("a", "b"), times_s=(sample.time_s,) * 2, pixels=[sample.pixels, sample.pixels])
        np.testing.assert_allclose(room.judge.detector.score(batch).score, detector.score(batch).score, rtol=1e-5)


def test_what_is_done_to_the_detector_is_done_before_the_next_frame(room: Room, samples: list[Sample]) -> None:
    scorer = room.judge.detector
    first = scored(scorer, samples[:6])
    scorer.retune("a", 0.5)
    scorer.forget("a")
    second = scored(scorer, samples[:6])
    np.testing.assert_allclose([one.score for one in second], [one.score for one in first], rtol=1e-5)
    assert second[0].threshold[0] == 0.5
    hidden = Hidden(np.ones((GRAIN, GRAIN), np.bool_))
    scorer.rezone("a", Zoning(np.zeros((GRAIN, GRAIN), np.float32), hidden))
    nothing_counts = scored(scorer, samples[:3])
    assert nothing_counts[-1].score[0] < first[2].score[0]
    scorer.rezone("a", None)
    scorer.hold("a", samples[5].time_s + 1, changed=True)
    scorer.remove("a")
    with pytest.raises(EngineError, match="no profile was given for camera 'a'"):
        scored(scorer, samples[:1])


def test_a_history_goes_along_when_a_profile_joins_under_another_name(room: Room, samples: list[Sample]) -> None:
    scored(room.judge.detector, samples[:10])
    room.prepared.join("b")
    afresh = scored(room.judge.detector, samples[10:11], "b")[0]
    room.judge.detector.forget("a")
    assert not np.isclose(scored(room.judge.detector, samples[10:11])[0].score, afresh.score)


def test_what_nobody_refers_to_is_forgotten_there(room: Room, profile: Profile, samples: list[Sample]) -> None:
    memory = [_memory(room, profile, samples) for _ in range(4)]
    assert memory[-1] < memory[0] * 1.2


def test_maps_that_come_later_are_those_of_their_own_frame(
    room: Room, here: Judge, profile: Profile, samples: list[Sample]
) -> None:
    alone = scored(anew(here, profile), samples)
    apart = scored(room.judge.detector, samples)
    calm = [index for index, one in enumerate(apart) if one.score[0] < 0.5 * one.threshold[0]]
    assert calm, "the frames whose maps stay where they were made"
    for index in reversed(calm):
        np.testing.assert_allclose(apart[index].map, alone[index].map, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(apart[index].map, apart[index].map)


def _memory(room: Room, profile: Profile, samples: list[Sample]) -> int:
    for _ in range(10):
        room.chamber.prepare(room.judge, prepare("c", profile, profile.network.id))
    scored(room.judge.detector, samples[:1])
    (line,) = [line for line in _status(room) if line.startswith("VmRSS")]
    return int(line.split()[1])


def _status(room: Room) -> list[str]:
    with open(f"/proc/{room.helper.pid}/status") as file:  # noqa: PTH123
        return file.read().splitlines()


def test_its_engine_says_what_it_is_and_the_metrics_are_told_when_a_faster_one_takes_over(
    profile: Profile, samples: list[Sample]
) -> None:
    helper, registry = Helper("judge-0", LogSettings()), CollectorRegistry()
    chamber = Apart(partial(helper.connect, "judge", "judge-0"), EngineSettings(cache="off"), Metrics(registry))
    judge = chamber.judge(profile.network, 8)
    judge.engine.open()
    prepared = chamber.prepare(judge, prepare("a", profile, profile.network.id))
    prepared.join("a")
    wanted = Here(EngineSettings(cache="off"), 1, Metrics(CollectorRegistry())).judge(profile.network, 8).engine.info
    deadline = time.monotonic() + PATIENCE_S
    while judge.engine.info != wanted and time.monotonic() < deadline:
        scored(judge.detector, samples)
        judge.detector.forget("a")
    end_all([helper], PATIENCE_S)
    assert judge.engine.info == wanted
    labels = {"model": profile.network.id, "state": "serving"}
    assert registry.get_sample_value("vigil_engine_state", labels) == 1


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
def test_its_death_is_an_error_of_the_engine_at_once(room: Room, samples: list[Sample], how: signal.Signals) -> None:
    assert room.helper.pid is not None
    os.kill(room.helper.pid, how)
    began = time.monotonic()
    with pytest.raises(EngineError, match="the process that judges is lost"):
        scored(room.judge.detector, samples[:1] * 100)
    assert time.monotonic() - began < 5
    with pytest.raises(EngineError, match="the process that judges is lost"):
        room.judge.detector.forget("a")


def test_an_engine_that_cannot_be_had_is_refused_in_its_own_words(profile: Profile) -> None:
    helper = Helper("judge-0", LogSettings())
    settings = EngineSettings(precision="f16", runtime="openvino")
    chamber = Apart(partial(helper.connect, "judge", "judge-0"), settings, Metrics(CollectorRegistry()))
    with pytest.raises(EngineError, match="f16"):
        chamber.judge(profile.network, 8)
    end_all([helper], PATIENCE_S)
