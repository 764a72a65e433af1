"""What seems to move in an unknown night: noise that goes on is allowed, a body that passes is not."""

import numpy as np
import pytest

from engines.contract import Floats
from engines.motion import CELLS
from engines.unrest import Unrest

DARK = np.s_[:, : CELLS // 2]


def night(count: int, seed: int = 0) -> Floats:
    """Maps in whose dark half some displacement is found wherever one looks, a few of them large."""
    rng = np.random.default_rng(seed)
    maps = np.zeros((count, CELLS, CELLS), np.float32)
    maps[:, :, : CELLS // 2] = rng.gamma(2.0, 0.25, (count, CELLS, CELLS // 2))
    return maps


def left(maps: Floats, fps: float = 5.0) -> Floats:
    camera = Unrest()
    return np.stack([one / camera.step(index / fps, one) for index, one in enumerate(maps)])


@pytest.mark.parametrize("fps", [2, 5, 25])
def test_noise_is_allowed_from_the_first_frame_on_at_any_rate(fps: int) -> None:
    maps = night(12 * fps)
    assert np.quantile(maps, 0.99) > 1.3
    assert np.quantile(left(maps, fps), 0.99) < 0.8
    assert np.quantile(left(maps, fps)[0], 0.99) < 0.8


def test_a_body_counts_in_full_where_the_picture_is_clear_and_for_less_in_the_noise() -> None:
    for at in (10, 50):
        maps = night(60)
        for index in range(50, 55):
            maps[index, 30:34, at + index - 50 : at + index - 46] = 3.0
        strongest = left(maps)[50:55].max(axis=(1, 2))
        assert strongest.min() > (2.5 if at == 50 else 1)


def test_where_nothing_is_noisy_nothing_is_allowed() -> None:
    quiet = np.full((40, CELLS, CELLS), 0.1, np.float32)
    assert (left(quiet) == quiet).all()


def test_a_frame_after_a_long_hold_counts_as_one() -> None:
    camera, maps = Unrest(), night(20)
    for index, one in enumerate(maps):
        before = camera.step(index / 5, one)
    after = camera.step(60.0, np.zeros_like(maps[0]))
    assert after[DARK].mean() > 0.8 * before[DARK].mean()


def test_what_is_forgotten_counts_no_more() -> None:
    camera, maps = Unrest(), night(20)
    for index, one in enumerate(maps):
        assert camera.step(index / 5, one)[DARK].max() > 2
    camera.forget()
    by = camera.step(4.0, np.zeros_like(maps[0]))
    assert (by == 1).all()
