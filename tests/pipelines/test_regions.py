from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from engines.contract import Floats, Signal
from pipelines.regions import RegionSettings, propose_regions
from pipelines.types import Region


def regions(places: Floats, *, threshold: float = 3, flagged: bool = True, most: int = 5) -> tuple[Region, ...]:
    maps: dict[Signal, Floats] = {"motion": places, "appearance-latent": np.asarray(places / 2, np.float32)}
    return propose_regions(places, maps, threshold, flagged=flagged, settings=RegionSettings(most=most))


def quiet(height: int = 20, width: int = 40) -> Floats:
    return np.full((height, width), 0.5, np.float32)


def test_a_box_is_given_in_shares_of_the_picture() -> None:
    places = quiet()
    places[5:10, 10:20] = 6
    (region,) = regions(places)
    assert (region.x, region.y, region.width, region.height) == (0.25, 0.25, 0.25, 0.25)
    assert (region.score, region.signal) == (6, "motion")


def test_regions_come_strongest_first_and_no_more_than_asked() -> None:
    places = quiet()
    for column, score in ((2, 5), (12, 7), (22, 6), (32, 8)):
        places[3:5, column : column + 2] = score
    assert [region.score for region in regions(places, most=3)] == [8, 7, 6]


def test_a_box_stays_tight_about_a_strong_peak() -> None:
    places = quiet()
    places[2:18, 2:38] = 3.5
    places[8:10, 8:12] = 9
    (region,) = regions(places)
    assert (region.width, region.height) == (0.1, 0.1)


def test_boxes_that_touch_become_one() -> None:
    places = quiet()
    places[2:12, 2] = places[11, 2:12] = 5
    places[4:6, 5:8] = 6
    (region,) = regions(places)
    assert region.score == 6
    assert (region.x, region.width) == (2 / 40, 10 / 40)


def test_a_flagged_frame_whose_own_map_is_below_the_threshold_still_shows_where() -> None:
    places = quiet()
    places[4:6, 4:6] = 2.5
    (region,) = regions(places)
    assert region.score == 2.5
    assert regions(places, flagged=False) == ()


def test_the_signal_with_most_surprise_inside_is_named() -> None:
    places = quiet()
    places[4:6, 4:6] = 5
    latent = quiet() * 0
    latent[4:6, 4:6] = 9
    maps: dict[Signal, Floats] = {"motion": places, "appearance-latent": latent}
    (region,) = propose_regions(places, maps, 3, flagged=True, settings=RegionSettings())
    assert region.signal == "appearance-latent"


@given(
    npst.arrays(np.float32, (8, 12), elements=st.floats(-4, 20, width=32)),
    st.floats(0.5, 10),
    st.booleans(),
    st.integers(1, 6),
)
def test_any_map_gives_sane_boxes(places: Floats, threshold: float, flagged: bool, most: int) -> None:
    found = regions(places, threshold=threshold, flagged=flagged, most=most)
    assert len(found) <= most
    assert [r.score for r in found] == sorted((r.score for r in found), reverse=True)
    for region in found:
        assert 0 <= region.x < region.x + region.width <= 1 + 1e-9
        assert 0 <= region.y < region.y + region.height <= 1 + 1e-9
    if flagged and places.max() > 0:
        assert found[0].score == pytest.approx(float(places.max()))
