from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engines.contract import Floats
from engines.scoring import strongest

MAPS = arrays.arrays(
    np.float32,
    st.tuples(st.just(1), st.integers(1, 9), st.integers(1, 9)),
    elements=st.sampled_from([0, 0.5, 2, 7, -1]),
)


@given(maps=MAPS, share=st.floats(0.001, 1.0))
def test_the_strongest_of_one_map_are_those_that_a_whole_sort_finds(maps: Floats, share: float) -> None:
    count = max(1, round(share * maps.size))
    assert strongest(maps, share)[0] == pytest.approx(np.sort(maps.ravel())[-count:].mean(), abs=1e-5)
    np.testing.assert_allclose(
        strongest(np.repeat(maps, 2, axis=0), share), np.repeat(strongest(maps, share), 2), atol=1e-5
    )


def test_a_map_that_was_not_measured_has_no_strongest() -> None:
    assert np.isnan(strongest(np.full((1, 4, 4), np.nan, np.float32), 0.1)[0])
