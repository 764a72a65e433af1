from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from engines.contract import Encoded, Pixels
from engines.detector import Detector, prepare
from engines.profile import Profile
from engines.runtime.openvino import OpenVinoEngine
from engines.zoning import GRAIN, Zoning
from pipelines.gate import Gate
from pipelines.infer import Judge
from pipelines.mailbox import Mailbox
from pipelines.masks import Masks
from pipelines.metrics import Metrics
from pipelines.seating import EndTrial, Enter, Leave, Retune, Rezone, TookOver, Try
from pipelines.sources.source import Sample
from pipelines.types import FLAGGED_BY
from pipelines.zones import MaskSettings, zoning_of
from tests.pipelines.judging import Room, ready, room_of


def entering(room: Room, judge: Judge, profile: Profile, camera: str = "a") -> Enter:
    metrics = Metrics(CollectorRegistry()).camera(camera)
    return Enter(camera, judge, ready(judge, prepare(camera, profile, profile.network.id)), metrics, None, gap_s=2.0)


def test_a_camera_that_comes_is_judged_and_one_that_leaves_no_more(
    room: Room, judge: Judge, profile: Profile, samples: list[Sample]
) -> None:
    room.mailboxes["c"] = Mailbox("c", threading.Condition())
    room.roster.order(Leave("b"), entering(room, judge, profile, "c"))
    room.put("b", samples[0])
    room.judge("a", samples[0])
    assert [verdict.frame.camera for verdict in room.verdicts] == ["a"]
    room.roster.order(entering(room, judge, profile, "b"))
    room.judge("b", samples[1])
    assert room.verdicts[-1].frame.camera == "b"


def test_another_threshold_counts_from_the_next_frame_on_although_nothing_moves(
    judge: Judge, samples: list[Sample]
) -> None:
    with room_of({"a": judge}, {"a": Gate()}) as room:
        for at in range(20):
            room.judge("a", samples[0], time_s=at * 0.2)
        room.roster.order(Retune("a", threshold=0.5, gap_s=2.0))
        assert room.judge("a", samples[0], time_s=4.0).threshold == 0.5


def test_other_weights_count_from_the_next_frame_on_although_nothing_moves(judge: Judge, samples: list[Sample]) -> None:
    with room_of({"a": judge}, {"a": Gate()}) as room:
        scores = [room.judge("a", samples[0], time_s=at * 0.2).score for at in range(20)]
        everywhere = Zoning(np.zeros((GRAIN, GRAIN), np.float32))
        room.roster.order(Rezone("a", everywhere))
        assert room.judge("a", samples[0], time_s=4.0).map.max() == 0
        room.roster.order(Rezone("a", None))
        assert room.judge("a", samples[0], time_s=4.2).map.max() > 0
        assert scores[-1] < 3


def test_no_alarm_is_raised_by_masks_that_come_and_go(judge: Judge, samples: list[Sample]) -> None:
    masks = Masks.of([MaskSettings(polygon=((0, 0.5), (1, 0.5), (1, 1), (0, 1)))])
    assert masks is not None
    zoning = zoning_of((), masks.hidden)
    with room_of({"a": judge}) as room:
        for sample in samples[:5]:
            room.judge("a", sample)
        room.roster.order(Rezone("a", zoning))
        assert room.judge("a", samples[5]).unfit == "unsettled", "it was on its way when the masks were drawn"
        for sample in samples[6:10]:
            assert room.judge("a", masks.hide(sample)).unfit is None
        room.roster.order(Rezone("a", None))
        assert room.judge("a", masks.hide(samples[10])).unfit == "unsettled"
        assert room.judge("a", samples[11]).unfit is None
        assert not any(verdict.flagged for verdict in room.verdicts)


def test_a_profile_on_trial_minds_zones_too(room: Room, judge: Judge, profile: Profile, samples: list[Sample]) -> None:
    nothing = Zoning(np.zeros((GRAIN, GRAIN), np.float32))
    room.roster.order(Rezone("a", nothing))
    room.roster.order(Try("a", "new", judge, ready(judge, prepare("a", profile, profile.network.id)), frames=5))
    for sample in samples[:8]:
        room.judge("a", sample)
    assert room.roster.news[-1].profile_id == "new"
    assert room.judge("a", samples[8]).map.max() == 0


def test_an_engine_that_nobody_needs_is_closed_and_one_that_somebody_does_is_opened(
    room: Room, profile: Profile, samples: list[Sample]
) -> None:
    class Noted(OpenVinoEngine):
        opened = closed = 0

        def open(self) -> None:
            super().open()
            self.opened += 1

        def close(self) -> None:
            super().close()
            self.closed += 1

    other = Noted(profile.network, threads=1)
    own = Judge(other, Detector(other, {}))
    room.roster.order(entering(room, own, profile, "a"), entering(room, own, profile, "b"))
    room.judge("a", samples[0])
    room.judge("b", samples[0])
    assert (other.opened, other.closed) == (1, 0)
    room.roster.order(Leave("b"))
    room.judge("a", samples[1])
    assert other.closed == 0
    room.roster.order(Leave("a"))
    room.infer.step()
    assert other.closed == 1


class _Counting(OpenVinoEngine):
    """Counts the frames that it encodes."""

    encoded = 0

    def encode(self, pixels: Pixels) -> Encoded:
        self.encoded += len(pixels)
        return super().encode(pixels)


def on_trial(judge: Judge, profile: Profile, frames: int, threshold: float = 0.01) -> Try:
    watched = prepare("a", profile, profile.network.id)
    watched.retune(threshold)
    return Try("a", "fedcba987654", judge, ready(judge, watched), frames)


def test_a_profile_on_trial_sees_the_same_frames_at_no_second_run_of_the_encoder_and_then_takes_over(
    profile: Profile, samples: list[Sample]
) -> None:
    engine = _Counting(profile.network, threads=1)
    judge = Judge(engine, Detector(engine, {"a": profile}))
    with room_of({"a": judge}) as room:
        room.roster.order(on_trial(judge, profile, 10, threshold=1e-4))
        before = engine.encoded
        for sample in samples[:10]:
            assert room.judge("a", sample).threshold == pytest.approx(profile.threshold)
        assert engine.encoded - before == 10
        seen = sum(room.value("vigil_shadow_frames_total", camera="a", flagged_by=by) for by in FLAGGED_BY)
        assert seen == 10
        assert room.value("vigil_shadow_frames_total", camera="a", flagged_by="new") > 0
        assert room.value("vigil_shadow_score", camera="a") == pytest.approx(room.verdicts[-1].score, abs=1e-4)
        assert list(room.roster.news) == [TookOver("a", "fedcba987654")]
        history = room.verdicts[-1].score
        after = room.judge("a", samples[10])
        assert after.threshold == pytest.approx(1e-4)
        assert after.score == pytest.approx(history, abs=1.5), "its history goes on"


def test_a_trial_called_off_ends_at_once_and_one_in_another_light_is_judged_in_its_own(
    profile: Profile, samples: list[Sample]
) -> None:
    engine = _Counting(profile.network, threads=1)
    judge = Judge(engine, Detector(engine, {"a": profile}))
    darker = dataclasses.replace(
        profile, arrays={**profile.arrays, "light.usual": profile.arrays["light.usual"] * np.float32(0.8)}
    )
    with room_of({"a": judge}) as room:
        room.roster.order(on_trial(judge, darker, 10))
        before = engine.encoded
        room.judge("a", samples[0])
        assert engine.encoded - before == 2
        room.roster.order(EndTrial("a"))
        for sample in samples[1:20]:
            room.judge("a", sample)
        assert engine.encoded - before == 21
        assert not room.roster.news
