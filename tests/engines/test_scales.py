"""How far from normal a place normally gets: by its own past or by its row's, whichever holds for unseen frames."""

import numpy as np
import pytest

from engines.contract import Floats
from engines.scales import along_row, choose_share

FRAMES, ROWS, COLUMNS = 400, 12, 16
FOLDS = np.arange(FRAMES) * 4 // FRAMES


def chosen(magnitudes: Floats) -> float:
    row_and_own = lambda high, share: np.float32(1 - share) * along_row(high, 1) + np.float32(share) * high  # noqa: E731
    return choose_share(
        FOLDS,
        np.ones((ROWS, COLUMNS), np.float32),
        high=lambda frames: np.quantile(magnitudes[frames], 0.99, axis=0).astype(np.float32),
        blend=row_and_own,
        level=lambda frames, scale: (magnitudes[frames] / scale).reshape(len(frames), -1).max(1),
    )


def noise(scale: Floats, seed: int = 0) -> Floats:
    drawn = np.random.default_rng(seed).gamma(4, 0.25, (FRAMES, ROWS, COLUMNS))
    return (drawn * scale).astype(np.float32)


def test_places_that_always_differ_answer_for_themselves() -> None:
    scale = np.geomspace(0.2, 5, COLUMNS)[np.random.default_rng(1).permutation(COLUMNS)]
    assert chosen(noise(np.broadcast_to(scale, (ROWS, COLUMNS)).astype(np.float32))) >= 0.7


def test_where_few_bodies_pass_anywhere_in_a_row_the_row_answers() -> None:
    rng = np.random.default_rng(2)
    magnitudes = noise(np.full((ROWS, COLUMNS), 0.5, np.float32))
    for frame in range(0, FRAMES, 4):  # a passer-by at a place of its own each time, as large as the row is near
        row = rng.integers(ROWS)
        magnitudes[frame : frame + 4, row, rng.integers(COLUMNS)] = 3 + row / ROWS
    assert chosen(magnitudes) <= 0.3


def test_one_scale_a_row_keeps_the_rows_apart() -> None:
    high = np.repeat(np.arange(1, 9, dtype=np.float32)[:, None], 20, axis=1)
    high[:, 3] = 100  # one place in twenty does not speak for its row
    np.testing.assert_allclose(along_row(high, 1), np.repeat(np.arange(1, 9)[:, None], 20, axis=1))


@pytest.mark.parametrize("reach", [1, 3, 5])
def test_rows_of_four_directions_are_kept_apart_too(reach: int) -> None:
    high = np.random.default_rng(3).uniform(1, 2, (8, 8, 4)).astype(np.float32)
    assert along_row(high, reach).shape == (8, 8, 4)
    np.testing.assert_allclose(
        along_row(high, reach)[..., 2], along_row(np.ascontiguousarray(high[..., 2]), reach), rtol=1e-5
    )
