"""What is wrong with a stream is told for what it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.sources.source import Stream
from tests.pipelines.health.watched import STREAM, Watched, noisy, place, seconds


def test_a_frame_rate_that_fell_is_told_within_three_seconds_and_ends() -> None:
    camera = Watched()
    camera.watch(seconds(20))
    for pixels in seconds(3):
        camera.see(pixels, skipped=0)
    assert camera.begun == ["frame_rate"]
    assert "instead of 15.0" in camera.told[0].cause
    camera.watch(seconds(5))
    assert [event.phase for event in camera.told] == ["begin", "end"]


def test_frames_are_judged_while_the_rate_is_low() -> None:
    camera = Watched()
    camera.watch(seconds(20))
    told = [camera.see(pixels, skipped=0) for pixels in seconds(5)]
    assert not any(fitness.unfit or fitness.held for fitness in told)
    assert camera.told[0].judged


def test_a_file_has_no_frame_rate_to_fall() -> None:
    camera = Watched(stream=replace(STREAM, live=False), pts_s=None)
    camera.watch(seconds(20))
    for pixels in seconds(5):
        camera.see(pixels, skipped=0)
    assert camera.told == []


@pytest.mark.parametrize("jump_s", [-3600.0, -2.0, 2.0, 86400.0])
def test_time_stamps_that_jump_are_told_once(jump_s: float) -> None:
    camera = Watched()
    camera.watch(seconds(5))
    assert camera.pts_s is not None
    camera.pts_s += jump_s
    camera.watch(seconds(2))
    assert camera.begun == ["clock"]
    assert "time stamps" in camera.told[0].cause
    camera.watch(seconds(8))
    assert [event.phase for event in camera.told] == ["begin", "end"]


@pytest.mark.parametrize("step_s", [-3600.0, 3600.0])
def test_a_machine_whose_clock_is_set_says_so(step_s: float) -> None:
    camera = Watched()
    camera.watch(seconds(5))
    camera.wall_s += step_s
    camera.watch(seconds(2))
    assert camera.begun == ["clock"]
    assert "this machine's clock" in camera.told[0].cause


def test_a_network_that_holds_frames_back_and_then_hurries_is_no_jump() -> None:
    camera = Watched()
    camera.watch(seconds(5))
    camera.see(place()[0], after_s=1.8, stamped_s=0.2)
    for pixels in seconds(1.8):
        camera.see(pixels, after_s=0.02, stamped_s=0.2)
    camera.watch(seconds(3))
    assert "clock" not in camera.begun


def test_another_size_is_told_as_long_as_it_lasts() -> None:
    camera = Watched()
    camera.watch(seconds(5))
    camera.stream = Stream(240, 180, "h264", live=True)
    told = camera.watch(seconds(3))
    assert camera.begun == ["format"]
    assert "h264 of 240x180 instead of h264 of 320x240" in camera.told[0].cause
    assert all(fitness.unfit in ("unsettled", "format") for fitness in told)  # it has less detail than was learnt
    assert told[-1].unfit == "format"
    camera.stream = STREAM
    camera.watch(seconds(2))
    assert [event.phase for event in camera.told] == ["begin", "end"]


def test_another_codec_is_told_and_its_pictures_are_judged() -> None:
    camera = Watched()
    camera.watch(seconds(5))
    camera.stream = Stream(320, 240, "hevc", live=True)
    told = camera.watch(seconds(3))
    assert camera.begun == ["format"]
    assert not any(fitness.unfit or fitness.held for fitness in told)


@pytest.mark.parametrize("damaged", [True, False])
def test_a_size_that_a_garbled_header_gave_is_no_other_size_and_raises_no_alarm(damaged: bool) -> None:
    camera = Watched()
    camera.watch(seconds(5))
    camera.stream = Stream(16, 16, "h264", live=True)
    told = [camera.see(pixels, corrupt=damaged, damaged=damaged) for pixels in seconds(2.4 if damaged else 0.4)]
    camera.stream = STREAM
    camera.watch(seconds(4))
    assert camera.begun == (["corrupt"] if damaged else [])
    assert all(fitness.unfit for fitness in told)


def test_damaged_frames_are_told_as_one_fault_and_not_judged() -> None:
    camera = Watched()
    camera.watch(seconds(5))
    told = [camera.see(p, corrupt=n % 3 == 0, damaged=n % 3 != 2) for n, p in enumerate(seconds(2.4))]
    assert camera.begun == ["corrupt"]
    assert [fitness.unfit for fitness in told] == ["corrupt", "corrupt", None] * 4
    camera.watch(seconds(4))
    assert [event.phase for event in camera.told] == ["begin", "end"]


def test_a_lost_camera_has_no_other_fault_and_stalling_is_another_kind() -> None:
    camera = Watched()
    camera.watch(seconds(3))
    camera.watch(seconds(3, noisy(8)))
    camera.monitor.gone("stalled", "no frame for 2 s")
    camera.monitor.gone("lost", "connection refused")
    camera.monitor.gone("lost", "no route")
    assert camera.monitor.kinds == ("lost",)
    camera.watch(seconds(1))
    steps = [(event.kind, event.phase) for event in camera.told]
    assert steps == [
        ("black", "begin"),
        ("black", "end"),
        ("stalled", "begin"),
        ("stalled", "end"),
        ("lost", "begin"),
        ("lost", "end"),
    ]
