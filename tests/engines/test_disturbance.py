"""Mild alterations: each is visible to a program and hardly to a person, and the same each time."""

import numpy as np

from engines.disturbance import alterations


def scene() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    coarse = np.random.default_rng(0).integers(20, 235, (8, 8, 3), np.uint8)
    return np.repeat(np.repeat(coarse, 16, axis=0), 16, axis=1)


def test_each_alteration_changes_the_frame_a_little() -> None:
    pixels = scene()
    for altered in alterations(pixels, seed=1).astype(int):
        change = np.abs(altered - pixels).mean()
        assert 0 < change < 20


def test_a_seed_makes_the_same_alterations() -> None:
    np.testing.assert_array_equal(alterations(scene(), seed=1), alterations(scene(), seed=1))


def test_the_frame_itself_is_not_touched() -> None:
    pixels = scene()
    alterations(pixels, seed=2)
    np.testing.assert_array_equal(pixels, scene())
