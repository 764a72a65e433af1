"""Memory of places, what lasts, smoothing and fusion, each on its own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from engines.contract import SIGNALS, Floats
from engines.lasting import CONSTANT_S, LastingLatent
from engines.place import Memory, Room, fit_memory, fit_whitening
from engines.scoring import (
    SMOOTHING_S,
    Fusion,
    Smoother,
    View,
    Views,
    by_signal,
    fit_fusion,
    row,
    statistic,
    table,
    uncertainty,
)


def test_a_place_remembers_more_than_one_mode() -> None:
    rng = np.random.default_rng(0)
    modes = np.where(np.arange(60)[:, None, None, None] % 2, 3.0, -3.0)
    latents = (modes + rng.normal(0, 0.1, (60, 4, 4, 8))).astype(np.float16)
    memory = fit_memory(latents, np.arange(60), np.eye(8, dtype=np.float32))
    seen = np.stack([np.full((4, 4, 8), value, np.float32) for value in (3.0, -3.0, 0.0)])
    distance, normal = memory.compare(seen)
    assert distance[:2].max() < 1
    assert distance[2].min() > 5, "the mean of two modes is normal nowhere"
    np.testing.assert_allclose(normal[0], 3.0, atol=0.3)


def test_what_is_normal_at_one_place_is_not_at_another() -> None:
    latents = np.zeros((40, 2, 2, 4), np.float16)
    latents[:, 0, 0] = 5
    memory = fit_memory(latents, np.arange(40), np.eye(4, dtype=np.float32))
    distance, _ = memory.compare(np.full((1, 2, 2, 4), 5, np.float32))
    assert distance[0, 0, 0] < 0.1
    assert distance[0, 1, 1] > 5


def test_whitening_evens_out_how_places_vary() -> None:
    rng = np.random.default_rng(0)
    spread = np.array([4.0, 1.0, 0.5], np.float32)
    latents = (rng.normal(size=(400, 3, 3, 3)) * spread + rng.normal(size=(1, 3, 3, 3)) * 9).astype(np.float16)
    whiten = fit_whitening(latents, np.arange(400))
    residuals = (latents.astype(np.float32) - latents.mean(0, dtype=np.float32)) @ whiten
    np.testing.assert_allclose(residuals.reshape(-1, 3).std(0), 1, atol=0.25)


def test_passers_by_fade_and_things_left_behind_do_not() -> None:
    def last(present: range) -> float:
        running = LastingLatent()
        mean = None
        for index in range(100):
            mean = running.step(index / 5, np.full((1, 1, 1), float(index in present), np.float32))
        assert mean is not None
        return float(mean[0, 0, 0])

    assert last(range(70, 75)) < 0.1
    assert last(range(70, 100)) > 0.8


def test_an_average_needs_its_time_and_no_gap() -> None:
    running, latent = LastingLatent(), np.zeros((1, 1, 1), np.float32)
    given = [running.step(index / 5, latent) is not None for index in range(40)]
    assert given.index(True) == round(2 * CONSTANT_S * 5)
    assert running.step(60.0, latent) is None


@pytest.mark.parametrize("rate", [5, 10, 30])
def test_smoothing_is_by_time_not_by_frames(rate: int) -> None:
    smoother = Smoother()
    smoother.step(0.0, np.zeros(1, np.float32))
    for index in range(1, rate * 3 // 5 + 1):
        value = smoother.step(index / rate, np.ones(1, np.float32))
    assert value[0] == pytest.approx(1 - np.exp(-0.6 / SMOOTHING_S), abs=0.01)


def test_smoothing_begins_anew_after_a_gap() -> None:
    smoother = Smoother()
    smoother.step(0.0, np.zeros(1, np.float32))
    assert smoother.step(9.0, np.ones(1, np.float32))[0] == 1


def test_the_statistic_takes_a_small_spot_for_what_it_is() -> None:
    maps = np.zeros((2, 32, 32), np.float32)
    maps[1, 3:7, 3:6] = 10
    np.testing.assert_allclose(statistic(maps), [0, 10])


def fit_evenly(statistics: Views) -> Fusion:
    return fit_fusion(statistics, dict.fromkeys(statistics, 1.0), power=2.0)


def normal_statistics() -> dict[View, Floats]:
    rng = np.random.default_rng(0)
    return {
        "appearance-latent": rng.gamma(9, 0.1, 500).astype(np.float32),
        "motion": np.where(np.arange(500) < 5, np.nan, rng.gamma(3, 0.3, 500)).astype(np.float32),
    }


def test_either_signal_alone_raises_the_score_and_both_more() -> None:
    fusion = fit_evenly(normal_statistics())
    at: dict[View, Floats] = {
        "appearance-latent": np.array([1, 4, 1, 4], np.float32),
        "motion": np.array([0.9, 0.9, 9, 9], np.float32),
    }
    score = fusion.score(fusion.surprises(at))
    assert score[0] < 1 < min(score[1], score[2])
    assert score[3] > max(score[1], score[2])


def test_what_was_not_measured_does_not_count() -> None:
    fusion = fit_evenly(normal_statistics())
    at: dict[View, Floats] = {"appearance-latent": np.ones(1, np.float32), "motion": np.full(1, np.nan, np.float32)}
    surprises = fusion.surprises(at)
    assert surprises["motion"][0] == 0
    assert np.isfinite(fusion.score(surprises)).all()
    assert set(by_signal(surprises)) == set(SIGNALS)


def test_uncertainty_grows_where_the_fits_disagree() -> None:
    statistics = normal_statistics()
    parts = [{view: values[fold::4] for view, values in statistics.items()} for fold in range(4)]
    members = [fit_evenly(part) for part in parts]
    at = {view: np.array([1.0, 12.0], np.float32) for view in statistics}
    rows = table(members[0], members, at)
    assert uncertainty(rows[1]) > uncertainty(rows[0]) >= 0


@given(st.lists(st.floats(-1, 40, width=32) | st.just(math.nan), min_size=2, max_size=2))
def test_a_frame_alone_is_judged_as_in_a_table(values: list[float]) -> None:
    normal = normal_statistics()
    members = [fit_evenly({view: column[fold::4] for view, column in normal.items()}) for fold in range(4)]
    at = dict(zip(normal, values, strict=True))
    alone = row(members[0], members[1:], at)
    whole = table(members[0], members[1:], {view: np.array([value], np.float32) for view, value in at.items()})
    np.testing.assert_allclose(alone, whole[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("shared", [False, True])
def test_the_nearest_mode_is_found_and_how_far_it_is(count: int, shared: bool) -> None:
    rng = np.random.default_rng(1)
    whiten, modes = rng.normal(size=(6, 6)), rng.normal(size=(1 if shared else 20, 5, 6))
    modes = modes.astype(np.float16).astype(np.float64)
    memory = Memory.of(whiten.astype(np.float32), modes.astype(np.float32))
    seen = rng.normal(size=(count, 4, 5, 6)).astype(np.float32)
    distance, normal = memory.compare(seen)
    for frame, place in np.ndindex(count, 20):
        white = seen.reshape(count, 20, 6)[frame, place] @ whiten
        apart = np.linalg.norm(modes[0 if shared else place] - white, axis=-1)
        assert distance.reshape(count, 20)[frame, place] == pytest.approx(apart.min(), rel=1e-3)
        nearest = modes[0 if shared else place][apart.argmin()] @ np.linalg.inv(whiten)
        np.testing.assert_allclose(normal.reshape(count, 20, 6)[frame, place], nearest, rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(memory.distance(seen), distance, rtol=1e-4)
    several = memory.distances_white((memory.white(seen), memory.white(seen[:1])))
    for one, alone in zip(several, (distance, distance[:1]), strict=True):
        np.testing.assert_allclose(one, alone, rtol=1e-4)


@given(
    hnp.arrays(
        np.float16, hnp.array_shapes(min_dims=3, max_dims=3, max_side=9), elements=st.floats(-6e4, 6e4, width=16)
    )
)
def test_halves_become_the_floats_that_they_are(halves: NDArray[np.float16]) -> None:
    room = Room()
    room.floats(np.ones((9, 9, 9), np.float16))
    np.testing.assert_array_equal(room.floats(halves), halves.astype(np.float32))
