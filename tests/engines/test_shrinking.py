"""What is made small in fewer passes is what was made small before, to the last level."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.light import blocks_of
from engines.shrinking import shrink
from engines.transition import shrunk


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 5, 256]))
def test_a_frame_is_shrunk_as_by_whole_areas(seed: int, levels: int) -> None:
    # Few levels, near white, make sums that fall just between two whole levels.
    rng = np.random.default_rng(seed)
    frame = (255 - rng.integers(0, levels, (256, 256, 3))).astype(np.uint8)
    small, blocks = shrink(frame)
    np.testing.assert_array_equal(small, shrunk(frame))
    np.testing.assert_array_equal(blocks, blocks_of(frame))


@pytest.mark.parametrize("size", [(64, 64), (160, 160), (256, 320), (512, 512)])
def test_frames_of_other_sizes_are_shrunk_too(size: tuple[int, int]) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    small, blocks = shrink(frame)
    np.testing.assert_array_equal(small, shrunk(frame))
    np.testing.assert_array_equal(blocks, blocks_of(frame))
