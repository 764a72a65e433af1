"""Motion counts where something is, and not where something has just been."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.contract import Floats
from engines.departed import Departed, departed, of_present
from engines.motion import CELLS

ORDINARY = np.full((32, 32), 0.3, np.float32)
HERE = np.s_[10:20, 5:9]
FAR = np.s_[10:20, 20:30]


def somebody(unlike: float = 4.0) -> Floats:
    seen = ORDINARY.copy()
    seen[HERE] = unlike
    return seen


@pytest.mark.parametrize("rate", [5, 10, 25])
def test_motion_ends_in_the_frame_that_shows_the_ground_again(rate: int) -> None:
    maps = np.stack([somebody()] * rate + [ORDINARY] * rate)
    shares = departed([index / rate for index in range(2 * rate)], maps)
    assert (shares[:rate] == 1).all()
    assert shares[rate][HERE].max() == pytest.approx(0.5 / 4)
    assert (shares[rate][FAR] == 1).all()
    assert (shares[-1] == 1).all()  # a second later it is forgotten


def test_who_enters_or_stays_keeps_all_motion() -> None:
    maps = np.stack([ORDINARY] * 5 + [somebody(1), somebody(2), somebody(4), *[somebody(4)] * 5])
    assert (departed([index / 10 for index in range(len(maps))], maps) == 1).all()


def test_who_never_looked_strange_keeps_all_motion() -> None:
    maps = ORDINARY * np.linspace(1.6, 0.1, 20, dtype=np.float32)[:, None, None]
    assert (departed([index / 10 for index in range(20)], maps) == 1).all()


def test_who_fades_keeps_as_much_as_is_left() -> None:
    shares = departed([0.0, 0.2], np.stack([somebody(4), somebody(3)]))
    assert shares[1][HERE] == pytest.approx(0.75)


def test_held_frames_showed_who_stood_there() -> None:
    camera = Departed()
    camera.step(0.0, somebody())
    camera.hold(9.8)
    assert camera.step(10.0, ORDINARY)[HERE].max() < 0.2


@pytest.mark.parametrize("how", ["an outage", "a clock set back", "a new beginning"])
def test_what_was_before_a_break_does_not_count(how: str) -> None:
    camera = Departed()
    camera.step(5.0, somebody())
    if how == "a new beginning":
        camera.forget()
    assert (camera.step({"an outage": 9.0, "a clock set back": 1.0}.get(how, 5.2), ORDINARY) == 1).all()


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e3, width=32), min_size=2, max_size=12))
def test_motion_never_grows_and_is_never_quite_lost(levels: list[float]) -> None:
    maps = np.stack([np.full((4, 4), level, np.float32) for level in levels])
    shares = departed([index / 10 for index in range(len(levels))], maps)
    assert ((shares > 0) & (shares <= 1)).all()


@pytest.mark.parametrize("places", [(32, 32), (16, 16), (64, 64)])
def test_shares_of_places_reach_the_cells_of_motion(places: tuple[int, int]) -> None:
    shares = np.ones((2, *places), np.float32)
    shares[1, : places[0] // 2] = 0.25
    left = of_present(np.full((2, CELLS, CELLS), 8, np.float32), shares)
    assert (left[0] == 8).all()
    assert (left[1, : CELLS // 2] == 2).all()
    assert (left[1, CELLS // 2 :] == 8).all()
