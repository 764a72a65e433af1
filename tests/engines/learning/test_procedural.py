from __future__ import annotations

import numpy as np
import pytest

from engines.learning.procedural import PAINTERS, Painter, procedural


@pytest.mark.parametrize("painter", [painter for painter, _ in PAINTERS])
@pytest.mark.parametrize("size", [64, 256])
def test_painters_make_pictures_with_something_in_them(painter: Painter, size: int) -> None:
    picture = painter(np.random.default_rng(3), size)
    assert picture.shape == (size, size, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 2


def test_a_picture_depends_on_the_generator_alone() -> None:
    first, again, other = (procedural(np.random.default_rng(seed), 64) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_shares_add_up() -> None:
    assert sum(share for _, share in PAINTERS) == pytest.approx(1)
