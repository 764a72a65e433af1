"""Anomalies made by rule: what is spoilt, and that the rest is left alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.contract import Floats
from engines.spoiling import KINDS, TURNS, Kind, Turn, move, spoil, turn

SEEDS = st.integers(0, 2**32 - 1)


def picture(seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 255, (96, 128, 3), np.uint8)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_only_a_part_is_spoilt_and_the_frame_itself_is_not_touched(kind: Kind, seed: int) -> None:
    pixels, other = picture(1), picture(2)
    before = pixels.copy()
    spoilt, mask = spoil(kind, pixels, other, np.random.default_rng(seed))
    assert spoilt.shape == pixels.shape
    assert spoilt.dtype == np.uint8
    assert 0 < mask.mean() < 0.1
    np.testing.assert_array_equal(pixels, before)
    changed = (spoilt != pixels).any(-1)
    assert (changed & ~mask).mean() < 0.1  # a blend reaches somewhat beyond
    if kind != "blend":
        assert not (changed & ~mask).any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_makes_the_same_anomaly(kind: Kind) -> None:
    one, two = (spoil(kind, picture(1), picture(2), np.random.default_rng(5))[0] for _ in range(2))
    np.testing.assert_array_equal(one, two)


def walker() -> Floats:
    field = np.zeros((64, 64, 2), np.float32)
    field[20:30, 20:26] = (3, 1)
    return field


@pytest.mark.parametrize(("kind", "least", "most"), [("faster", 1.2, 3.0), ("reversed", -1, -1), ("frozen", 0, 0)])
def test_a_walker_changes_how_he_moves(kind: Turn, least: float, most: float) -> None:
    changed = turn(kind, walker(), np.random.default_rng(0))
    assert changed is not None
    by = changed[25, 23] / walker()[25, 23]
    assert by[0] == pytest.approx(by[1])
    assert least <= by[0] <= most
    assert not changed[:20].any()


@pytest.mark.parametrize("kind", TURNS)
def test_where_nothing_moves_nothing_can_move_otherwise(kind: Turn) -> None:
    assert turn(kind, np.zeros((64, 64, 2), np.float32), np.random.default_rng(0)) is None


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_an_intruder_moves_as_others_do_where_he_is(seed: int) -> None:
    mask = np.zeros((256, 256), np.bool_)
    mask[200:240, 200:220] = True
    moved = move(mask, walker(), np.random.default_rng(seed))
    pace = np.linalg.norm(moved[55, 52]) / np.linalg.norm(walker()[25, 23])
    assert 0.5 <= pace <= 2
    np.testing.assert_array_equal(moved[:40], walker()[:40])
