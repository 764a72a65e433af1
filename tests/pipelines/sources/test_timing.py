import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sources.timing import FileClock, LiveClock, Sampler


def chosen(times: list[float], fps: float | None) -> list[int]:
    sampler = Sampler(fps)
    return [i for i, time_s in enumerate(times) if sampler.wants(time_s)]


def test_fifteen_frames_a_second_at_five_give_one_in_three() -> None:
    ticks = [round(i * 6000 / 90000, 9) for i in range(15 * 60)]
    assert chosen(ticks, 5.0) == list(range(0, 15 * 60, 3))


def test_no_rate_gives_every_frame() -> None:
    assert chosen([0.0, 0.1, 0.3], None) == [0, 1, 2]


@given(source_fps=st.floats(1, 120), fps=st.floats(0.5, 60), rounding=st.sampled_from([1e-9, 1e-6, 1e-3 / 2]))
def test_sampling_is_even_and_does_not_drift(source_fps: float, fps: float, rounding: float) -> None:
    times = [round(i / source_fps / rounding) * rounding for i in range(600)]
    picked = chosen(times, fps)
    ratio = max(1.0, source_fps / fps)
    steps = [b - a for a, b in itertools.pairwise(picked)]
    assert all(math.floor(ratio - 0.1) <= step <= math.ceil(ratio + 0.1) for step in steps)
    assert len(picked) == pytest.approx(600 / ratio, abs=2, rel=0.02)


@given(seed=st.integers(0, 2**32 - 1))
def test_jitter_of_the_times_does_not_change_the_rate(seed: int) -> None:
    jitter = np.random.default_rng(seed).uniform(-0.02, 0.02, 300)
    picked = chosen([i / 15 + shake for i, shake in enumerate(jitter)], 5.0)
    assert abs(len(picked) - 100) <= 1
    assert all(2 <= b - a <= 4 for a, b in itertools.pairwise(picked))


def test_a_source_slower_than_the_rate_gives_every_frame() -> None:
    assert chosen([i / 4 for i in range(40)], 5.0) == list(range(40))


def test_after_a_gap_the_grid_starts_anew_without_a_burst() -> None:
    times = [i / 15 for i in range(30)] + [10 + i / 15 for i in range(30)]
    assert chosen(times, 5.0) == list(range(0, 60, 3))


def test_a_file_without_times_is_counted() -> None:
    clock = FileClock(0.1)
    assert [clock.tell(None) for _ in range(3)] == pytest.approx([0.0, 0.1, 0.2])


def test_a_file_whose_times_run_back_goes_on_evenly() -> None:
    clock = FileClock(0.1)
    told = [clock.tell(t) for t in (0.0, 0.1, 0.1, 0.05, 0.15, None, 0.35)]
    assert told == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


@given(st.lists(st.none() | st.floats(-1e6, 1e6), max_size=60))
def test_times_of_a_file_always_increase(pts: list[float | None]) -> None:
    clock = FileClock(0.04)
    told = [clock.tell(t) for t in pts]
    assert all(a < b for a, b in itertools.pairwise(told))


def test_live_times_come_from_sane_pts_even_when_the_network_bursts() -> None:
    clock = LiveClock()
    arrivals = [0.0, 0.9, 0.91, 0.92, 0.93]
    told = [clock.tell(100 + i / 5, 50 + at) for i, at in enumerate(arrivals)]
    assert told == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])


def test_a_missing_or_leaping_pts_is_bridged_by_the_capture_clock() -> None:
    clock = LiveClock()
    pts = [None, 7.0, 7.2, 1e5, 1e5 + 0.2, 3.0, 3.2]
    told = [clock.tell(p, i * 0.2) for i, p in enumerate(pts)]
    assert told == pytest.approx([i * 0.2 for i in range(7)])


@pytest.mark.parametrize("speed", [0.01, 0.3, 2.5])
def test_pts_at_a_wrong_speed_are_not_believed_for_long(speed: float) -> None:
    clock = LiveClock()
    told = [clock.tell(i * 0.2 * speed, i * 0.2) for i in range(100)]
    assert told[-1] - told[50] == pytest.approx((99 - 50) * 0.2)


@given(st.lists(st.tuples(st.none() | st.floats(-1e5, 1e5), st.floats(0, 3)), max_size=60))
def test_live_times_always_increase(steps: list[tuple[float | None, float]]) -> None:
    clock = LiveClock()
    capture_s = itertools.accumulate(wait for _, wait in steps)
    told = [clock.tell(pts, at) for (pts, _), at in zip(steps, capture_s, strict=True)]
    assert all(a < b for a, b in itertools.pairwise(told))


def test_made_up_times_are_not_used_at_all() -> None:
    clock = LiveClock(has_times=False)
    assert [clock.tell(i / 25, 3 + i / 15) for i in range(4)] == pytest.approx([i / 15 for i in range(4)])
