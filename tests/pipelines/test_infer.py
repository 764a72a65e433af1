from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest

from engines.contract import SIGNALS, Batch, DevicePart, Pixels, Scores
from engines.detector import Detector, prepare
from engines.errors import EngineError
from engines.profile import Profile
from engines.runtime.openvino import OpenVinoEngine
from engines.zoning import Zoning
from pipelines.batcher import BatchSettings
from pipelines.gate import WHYS, Gate
from pipelines.infer import Judge
from pipelines.sources.source import Sample
from pipelines.types import Verdict
from tests.pipelines.judging import Room, room_of


def test_every_frame_gets_a_verdict_and_the_intruder_is_flagged(room: Room, samples: list[Sample]) -> None:
    for sample in samples:
        room.judge("a", sample)
    flagged = [verdict.frame.time_s for verdict in room.verdicts if verdict.flagged]
    assert len(room.verdicts) == len(samples)
    assert [verdict.frame.seq for verdict in room.verdicts] == list(range(1, len(samples) + 1))
    assert 3 <= min(flagged) <= 3.5
    assert {time_s for time_s in flagged if 3.5 <= time_s <= 5.8} == {
        s.time_s for s in samples if 3.5 <= s.time_s <= 5.8
    }


class _TimedEngine(OpenVinoEngine):
    """An engine whose device keeps time."""

    def take_times(self) -> dict[DevicePart, float]:
        return {"upload": 0.0003, "compute": 0.004, "download": 0.0007}


def test_a_devices_own_times_reach_the_metrics(profile: Profile, samples: list[Sample]) -> None:
    engine = _TimedEngine(profile.network, threads=1)
    with room_of({"a": Judge(engine, Detector(engine, {"a": profile}))}) as room:
        room.judge("a", samples[0])
        assert room.value("vigil_engine_device_seconds_sum", part="compute") == 0.004
        assert room.value("vigil_engine_device_seconds_count", part="upload") == 1


def test_a_verdict_carries_maps_signals_and_times_in_order(room: Room, samples: list[Sample]) -> None:
    verdict = room.judge("a", samples[0])
    assert verdict.map.shape == (32, 32)
    assert set(verdict.signals) == set(verdict.signal_maps) == set(SIGNALS)
    assert all(each.shape == (32, 32) for each in verdict.signal_maps.values())
    assert verdict.frame.captured_ns <= verdict.taken_ns <= verdict.judged_ns
    assert room.roster.analysed_ns == verdict.judged_ns


def test_cameras_share_a_batch_and_are_judged_apart(room: Room, samples: list[Sample]) -> None:
    at_3_4 = 17
    alone = [room.judge("a", sample).score for sample in samples[:at_3_4]]
    for sample in samples[: at_3_4 - 1]:
        room.judge("b", sample)
    room.put("b", samples[at_3_4 - 1])
    room.put("a", samples[0], time_s=samples[at_3_4].time_s)
    room.infer.step()
    together = {verdict.frame.camera: verdict for verdict in room.verdicts[-2:]}
    assert together["b"].score == pytest.approx(alone[-1], rel=1e-3)
    assert room.value("vigil_batch_size_bucket", le="1.0") == room.value("vigil_batch_size_count") - 1


def test_metrics_are_those_of_the_verdict(room: Room, samples: list[Sample]) -> None:
    verdict = room.judge("a", samples[0])
    assert room.value("vigil_frames_analysed_total", camera="a") == 1
    assert room.value("vigil_frames_analysed_total", camera="b") == 0
    assert room.value("vigil_score", camera="a") == pytest.approx(verdict.score)
    assert room.value("vigil_threshold", camera="a") == pytest.approx(verdict.threshold)
    whole_s = (verdict.judged_ns - verdict.frame.captured_ns) / 1e9
    assert room.value("vigil_capture_to_verdict_seconds_sum", camera="a") == pytest.approx(whole_s)
    parts = [room.value("vigil_stage_latency_seconds_sum", camera="a", stage=stage) for stage in ("queue", "infer")]
    assert sum(parts) == pytest.approx(whole_s)
    info = OpenVinoEngine.__name__.removesuffix("Engine").lower()
    assert [
        s.labels["runtime"] for m in room.registry.collect() for s in m.samples if s.name == "vigil_engine_info"
    ] == [info]


@pytest.mark.parametrize("jump_s", [2.5, -1.0], ids=["outage", "clock went back"])
def test_after_a_gap_a_camera_is_judged_afresh(room: Room, samples: list[Sample], jump_s: float) -> None:
    fresh = room.judge("b", samples[0])
    for sample in samples[:10]:
        before = room.judge("a", sample)
    after = room.judge("a", samples[0], time_s=before.frame.time_s + jump_s)
    assert after.score == pytest.approx(fresh.score, abs=1e-4)
    assert after.signals["motion"] == pytest.approx(fresh.signals["motion"], nan_ok=True)


def test_without_frames_a_step_returns_soon(room: Room) -> None:
    began = time.monotonic()
    assert room.infer.step()
    assert time.monotonic() - began < 0.6
    assert room.roster.analysed_ns == 0


def test_an_engine_that_fails_ends_the_stage(room: Room, judge: Judge, samples: list[Sample]) -> None:
    judge.engine.close()
    room.put("a", samples[0])
    with pytest.raises(EngineError):
        room.infer.step()


def test_each_camera_goes_to_the_network_of_its_profile(profile: Profile, samples: list[Sample]) -> None:
    engines = [OpenVinoEngine(profile.network, threads=1) for _ in range(2)]
    judges = {
        camera: Judge(engine, Detector(engine, {camera: profile})) for camera, engine in zip("ab", engines, strict=True)
    }
    with room_of(judges) as room:
        room.put("a", samples[0])
        room.put("b", samples[0])
        room.infer.step()
        assert sorted(verdict.frame.camera for verdict in room.verdicts) == ["a", "b"]
        assert room.value("vigil_batch_size_count") == 2


def said(verdict: Verdict) -> tuple[float, ...]:
    return verdict.score, verdict.threshold, verdict.uncertainty, *verdict.signals.values()


def test_a_still_camera_is_not_computed_again_and_every_frame_has_a_verdict(
    judge: Judge, samples: list[Sample]
) -> None:
    with room_of({"a": judge, "b": judge}, {"a": Gate()}) as room:
        verdicts = [room.judge("a", samples[0], index / 5) for index in range(60)]
        assert [verdict.frame.seq for verdict in verdicts] == list(range(1, 61))
        assert said(verdicts[40]) == said(verdicts[41])
        assert np.shares_memory(verdicts[40].map, verdicts[41].map)
        by_why = {why: room.value("vigil_gate_frames_total", camera="a", why=why) for why in WHYS}
        computed = room.value("vigil_batch_size_count")
        assert by_why["first"] == 1
        assert by_why["unchanged"] == 60 - computed >= 45
        assert sum(by_why.values()) == room.value("vigil_frames_analysed_total", camera="a") == 60
        assert room.value("vigil_capture_to_verdict_seconds_count", camera="a") == 60
        assert room.roster.analysed_ns == verdicts[-1].judged_ns
        room.judge("b", samples[0])
        assert room.value("vigil_gate_frames_total", camera="b", why="first") == 0


def test_still_cameras_take_no_place_in_a_batch(judge: Judge, profile: Profile, samples: list[Sample]) -> None:
    names = [f"cam{number:02d}" for number in range(12)]
    assert isinstance(judge.detector, Detector)
    for name in names:
        judge.detector.add(name, prepare(name, profile, profile.network.id))
    with room_of(dict.fromkeys(names, judge), {name: Gate() for name in names}) as room:
        answered = []
        for step in range(20):
            for name in names:
                room.put(name, samples[0], 0.2 * step)
            before = len(room.verdicts)
            assert room.infer.step()
            answered.append(len(room.verdicts) - before)
            while len(room.verdicts) < len(names) * (step + 1):
                assert room.infer.step()
    assert answered[0] == BatchSettings().size, "as many as are computed at a time, at first"
    assert len(names) in answered[10:], "all, once the gates know their cameras and the scores rest"


def test_who_rushes_into_a_still_scene_is_flagged_as_soon_as_without_a_gate(
    judge: Judge, samples: list[Sample]
) -> None:
    def flags(gates: dict[str, Gate]) -> list[bool]:
        with room_of({"a": judge}, gates) as room:
            for index in range(50):
                room.judge("a", samples[14], index / 5)
            return [room.judge("a", sample, 10 + index / 5).flagged for index, sample in enumerate(samples[15:])]

    with_gate, without = flags({"a": Gate()}), flags({})
    assert with_gate == without
    assert any(without)


def test_after_an_outage_a_still_camera_is_computed(judge: Judge, samples: list[Sample]) -> None:
    with room_of({"a": judge}, {"a": Gate()}) as room:
        for index in range(20):
            room.judge("a", samples[0], index / 5)
        room.judge("a", samples[0], 60.0)
        assert room.value("vigil_gate_frames_total", camera="a", why="first") == 2


class Listening:
    """Keeps what a detector is given."""

    def __init__(self, judge: Judge) -> None:
        self._detector = judge.detector
        self.seen: list[list[Pixels]] = []

    def score(self, batch: Batch) -> Scores:
        self.seen.append(list(batch.pixels))
        return self._detector.score(batch)

    def hold(self, camera: str, until_s: float, *, changed: bool) -> None:
        self._detector.hold(camera, until_s, changed=changed)

    def forget(self, camera: str) -> None:
        self._detector.forget(camera)

    def remove(self, camera: str) -> None:
        self._detector.remove(camera)

    def retune(self, camera: str, threshold: float) -> None:
        self._detector.retune(camera, threshold)

    def rezone(self, camera: str, zoning: Zoning | None) -> None:
        self._detector.rezone(camera, zoning)


def test_frames_are_handed_on_without_a_copy(judge: Judge, samples: list[Sample]) -> None:
    listening = Listening(judge)
    heard = Judge(judge.engine, listening)
    with room_of({"a": heard, "b": heard}) as room:
        for index in range(3):
            room.put("a", samples[index])
            room.put("b", samples[index + 1])
            room.infer.step()
        room.judge("a", samples[5])
    together = [pixels for pixels in listening.seen if len(pixels) == 2]
    assert len(together) == 3
    for index, (first, second) in enumerate(together):
        assert first is samples[index].pixels
        assert second is samples[index + 1].pixels
    assert listening.seen[-1][0] is samples[5].pixels


def test_a_frame_made_for_another_network_is_left_out(room: Room, samples: list[Sample]) -> None:
    small = dataclasses.replace(samples[0], pixels=samples[0].pixels[:128, :128])
    room.put("a", small)
    room.infer.step()
    assert room.verdicts == []


def test_a_frame_that_is_unfit_is_handed_on_unjudged_and_counted(room: Room, samples: list[Sample]) -> None:
    judged = [room.judge("a", sample) for sample in samples[:4]]
    room.put("a", samples[4], unfit="black")
    assert room.infer.step()
    verdict = room.verdicts[-1]
    assert (verdict.unfit, verdict.score, verdict.flagged) == ("black", 0.0, False)
    assert room.value("vigil_suppressed_total", camera="a", cause="black") == 1
    assert room.value("vigil_frames_analysed_total", camera="a") == len(judged)
    assert room.roster.analysed_ns == verdict.judged_ns  # the daemon is at work, whatever the camera shows


def test_after_an_unfit_frame_a_camera_is_judged_afresh(room: Room, samples: list[Sample]) -> None:
    for sample in samples[:4]:
        room.judge("a", sample)
    room.put("a", samples[4], unfit="covered")
    room.infer.step()
    afresh = room.judge("a", samples[5])
    room.judge("b", samples[5], samples[5].time_s)
    assert afresh.score == pytest.approx(room.verdicts[-1].score, abs=1e-3)


def test_a_held_frame_is_judged_and_begins_no_alarm(room: Room, samples: list[Sample]) -> None:
    intruder = [sample for sample in samples if 3.0 <= sample.time_s <= 5.0]
    for sample in intruder:
        room.put("a", sample, held=True)
        room.infer.step()
    held = [verdict for verdict in room.verdicts if verdict.score >= verdict.threshold]
    assert held
    assert {verdict.unfit for verdict in held} == {"unsettled"}
    assert not any(verdict.flagged for verdict in room.verdicts)
    assert room.value("vigil_suppressed_total", camera="a", cause="unsettled") == len(held)
