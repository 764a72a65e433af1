"""What is wrong with a picture is told for what it is, in time, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from engines.contract import Pixels
from pipelines.health.settings import HealthSettings
from tests.pipelines.health.watched import (
    FPS,
    Watched,
    blurred,
    covered,
    frozen,
    noisy,
    overexposed,
    place,
    seconds,
    shifted,
)

FAULTS: dict[str, Callable[[Pixels, int], Pixels]] = {
    "black": noisy(8),
    "overexposed": overexposed,
    "frozen": frozen,
    "covered": covered,
    "moved": shifted(30, 12),
    "defocused": blurred,
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_named_within_three_seconds_and_is_over_after_it(kind: str) -> None:
    camera = Watched()
    camera.watch(seconds(6))
    before_s = camera.now_s
    camera.watch(seconds(3, FAULTS[kind]))
    assert camera.begun == [kind]
    assert camera.now_s - before_s <= 3.0 + 1e-6
    assert camera.value("vigil_camera_health", kind=kind) == 1
    camera.watch(seconds(4))
    assert [(e.kind, e.phase) for e in camera.told] == [(kind, "begin"), (kind, "end")]
    assert camera.told[0].number == camera.told[1].number
    assert camera.value("vigil_camera_health", kind=kind) == 0
    assert camera.value("vigil_camera_health_events_total", kind=kind) == 1


@pytest.mark.parametrize("kind", sorted(set(FAULTS) - {"frozen"}))
def test_no_frame_of_a_fault_raises_an_alarm_from_the_first_on(kind: str) -> None:
    camera = Watched()
    camera.watch(seconds(6))
    told = camera.watch(seconds(6, FAULTS[kind]))
    assert all(fitness.unfit is not None or fitness.held for fitness in told)
    assert told[-1].unfit == kind
    after = camera.watch(seconds(5))
    assert after[0].unfit == kind  # the picture that returns is not trusted at once
    assert after[-1].unfit is None
    assert not after[-1].held


def test_ordinary_footage_has_no_fault_and_is_judged_frame_by_frame() -> None:
    camera = Watched()
    told = camera.watch(seconds(60))
    assert camera.told == []
    assert not any(fitness.unfit or fitness.held for fitness in told)


def test_a_view_is_learnt_in_the_first_minute_where_the_profile_has_none() -> None:
    camera = Watched(views={})
    camera.watch(seconds(65))
    camera.watch(seconds(3, FAULTS["moved"]))
    assert camera.begun == ["moved"]


@pytest.mark.parametrize("gain", [0.2, 0.5, 1.4])
def test_light_that_changes_is_no_fault(gain: float) -> None:
    def lit(pixels: Pixels, number: int) -> Pixels:
        grain = np.random.default_rng(number).normal(0, 2, pixels.shape)
        return np.asarray(np.clip(pixels * gain + grain, 0, 255), np.uint8)

    camera = Watched()
    camera.watch(seconds(6))
    camera.watch(seconds(6, lit))
    assert camera.told == []


def test_a_truck_before_the_camera_is_no_moved_camera() -> None:
    load = np.random.default_rng(3).integers(0, 255, (9, 9, 3), np.uint8).repeat(16, 0).repeat(16, 1)

    def hidden(pixels: Pixels, _: int) -> Pixels:
        shown = pixels.copy()
        shown[80:224, 60:204] = load
        return shown

    camera = Watched()
    camera.watch(seconds(6))
    told = camera.watch(seconds(10, hidden))
    assert camera.told == []
    assert not any(fitness.unfit for fitness in told)
    assert not any(fitness.held for fitness in told[round(4 * FPS) :])  # an alarm waits, and not for long


def test_a_picture_that_coding_often_repeats_is_frozen_only_after_much_longer() -> None:
    def quiet(_: Pixels, number: int) -> Pixels:
        return place()[1 + number // 7]  # repeats for 1.4 s at a time

    camera = Watched()
    camera.watch(seconds(30, quiet))
    camera.watch(seconds(3, frozen))
    assert camera.told == []
    camera.watch(seconds(3, frozen))
    assert camera.begun == ["frozen"]


def _coded_each_second(number: int) -> Pixels:
    """What decoders make of one picture: each second anew, the first three times of it differently each time."""
    brighter = np.full((256, 256, 3), (8, 5, 2, 0, 0)[number % 5], np.uint8)
    return np.asarray(cv2.add(place()[0], brighter), np.uint8)


@pytest.mark.parametrize("left_out", [(), (1, 4, 5, 8, 11, 13), (0, 2, 3, 7, 10, 12)])
def test_a_frozen_picture_that_is_coded_anew_each_second_is_frozen_though_frames_are_left_out(
    left_out: tuple[int, ...],
) -> None:
    camera = Watched()
    camera.watch(seconds(6))
    gap_s = 0.0
    for number in range(13):
        gap_s += 1 / FPS
        if number not in left_out:
            camera.see(_coded_each_second(number), after_s=gap_s)
            gap_s = 0.0
    assert camera.begun == ["frozen"]


def test_what_a_picture_did_on_its_way_to_being_frozen_is_no_habit() -> None:
    camera = Watched()
    for _ in range(4):
        camera.watch(seconds(8))
        camera.watch([place()[3]] * 7)  # repeats for a moment, then once more for good
        camera.watch([place()[0]] * 15)
    assert camera.begun == ["frozen"] * 4


def test_a_clock_in_the_picture_does_not_hide_that_it_is_frozen() -> None:
    def clocked(_: Pixels, number: int) -> Pixels:
        picture = place()[0].copy()
        cv2.putText(picture, f"12:00:{number / FPS:04.1f}", (4, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255))
        return picture

    camera = Watched()
    camera.watch(seconds(6))
    camera.watch(seconds(3, clocked))
    assert camera.begun == ["frozen"]


def test_a_fault_that_lasts_a_moment_is_not_named_and_raises_no_alarm() -> None:
    camera = Watched()
    camera.watch(seconds(6))
    told = camera.watch(seconds(0.4, FAULTS["black"]))
    camera.watch(seconds(4))
    assert camera.told == []
    assert all(fitness.unfit == "unsettled" for fitness in told)


def test_what_is_to_be_ignored_is_not_told() -> None:
    camera = Watched(settings=HealthSettings(ignore=("moved",)))
    camera.watch(seconds(6))
    told = camera.watch(seconds(8, FAULTS["moved"]))
    assert camera.told == []
    assert told[-1].unfit is None
    assert not told[-1].held


def test_a_monitor_that_is_switched_off_tells_losses_and_nothing_else() -> None:
    camera = Watched(settings=HealthSettings(enabled=False))
    told = camera.watch(seconds(4, FAULTS["black"]))
    assert not any(fitness.unfit or fitness.held for fitness in told)
    camera.monitor.gone("lost", "connection refused")
    assert camera.begun == ["lost"]
