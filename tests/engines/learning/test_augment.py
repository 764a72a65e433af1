from __future__ import annotations

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.learning.augment import augment
from engines.learning.procedural import leaves
from engines.learning.recipe import Augmentation, read_recipe

USUAL = read_recipe().augmentation
NONE = msgspec.convert(
    dict.fromkeys(Augmentation.__struct_fields__, 0) | {"crop_area": 1.0},
    Augmentation,
)


@settings(deadline=None, max_examples=40)
@given(st.integers(16, 300), st.integers(16, 300), st.integers(0, 2**31))
def test_any_picture_becomes_a_square_of_bytes(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (height, width, 3), np.uint8)
    out = augment(picture, 64, USUAL, rng)
    assert out.shape == (64, 64, 3)
    assert out.dtype == np.uint8
    assert out.flags.c_contiguous


def test_without_any_change_the_picture_stays() -> None:
    picture = leaves(np.random.default_rng(0), 64)
    out = augment(picture, 64, NONE, np.random.default_rng(0))
    assert np.abs(out.astype(int) - picture).max() <= 1


def test_equal_seeds_give_equal_changes() -> None:
    picture = leaves(np.random.default_rng(0), 64)
    one, two = (augment(picture, 64, USUAL, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_grey_pictures_have_no_colour() -> None:
    picture = leaves(np.random.default_rng(0), 64)
    out = augment(picture, 64, msgspec.structs.replace(NONE, grey=1), np.random.default_rng(5))
    assert np.ptp(out, axis=-1).max() == 0
