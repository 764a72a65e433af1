from __future__ import annotations

import numpy as np
import pytest

from engines.zoning import GRAIN
from pipelines.types import Region
from pipelines.zones import MaskSettings, Polygon, Zone, ZoneSettings, flaw_in, hidden_by, in_zones, zoning_of

LEFT: Polygon = ((0, 0), (0.5, 0), (0.5, 1), (0, 1))
ALL: Polygon = ((0, 0), (1, 0), (1, 1), (0, 1))
DOOR: Polygon = ((0.25, 0.5), (0.375, 0.5), (0.375, 1), (0.25, 1))


def zone(name: str, polygon: Polygon, weight: float = 1.0) -> ZoneSettings:
    return ZoneSettings(name=name, polygon=polygon, weight=weight)


def test_without_zones_and_masks_and_with_weights_of_one_nothing_is_weighed() -> None:
    assert zoning_of((), None) is None
    assert zoning_of((zone("left", LEFT),), None) is None


def test_where_zones_overlap_the_later_one_counts() -> None:
    zoning = zoning_of((zone("all", ALL, 0), zone("door", DOOR, 1.5)), None)
    assert zoning is not None
    weights = zoning.on(32, 32)
    assert weights[24, 10] == 1.5
    assert weights[2, 2] == weights[24, 30] == 0
    assert zoning_of((zone("all", ALL, 0), zone("yard", ALL)), None) is None


def test_a_place_that_two_zones_share_has_the_mean_of_both() -> None:
    zoning = zoning_of((zone("left", ((0, 0), (0.51, 0), (0.51, 1), (0, 1)), 0),), None)
    assert zoning is not None
    assert 0 < zoning.on(32, 32)[5, 16] < 1
    assert zoning.on(64, 64).shape == (64, 64)


def test_weights_multiply_the_distances_of_every_view_and_leave_what_was_not_measured() -> None:
    zoning = zoning_of((zone("left", LEFT, 0.5),), None)
    assert zoning is not None
    maps = {"fine": np.full((2, 64, 64), 3, np.float32), "coarse": np.full((1, 32, 32), np.nan, np.float32)}
    weighed = zoning.weigh(maps)
    assert weighed["fine"][:, :, :31].max() == pytest.approx(1.5)
    assert weighed["fine"][:, :, 33:].min() == 3
    assert np.isnan(weighed["coarse"]).all()


def test_places_behind_and_beside_a_mask_count_for_nothing_and_less_beside_where_it_was_learnt() -> None:
    hidden = hidden_by([MaskSettings(polygon=LEFT)])
    assert hidden is not None
    zoning = zoning_of((zone("all", ALL, 2),), hidden)
    assert zoning is not None
    weights = zoning.on(32, 32)
    assert weights[:, :20].max() == 0
    assert weights[:, 21:].min() == 2
    learnt = hidden_by([MaskSettings(polygon=LEFT)])
    assert hidden.around(learnt).mean() < hidden.around().mean()
    assert hidden.around(hidden_by([MaskSettings(polygon=DOOR)])).mean() == hidden.around().mean()


def test_only_cells_of_which_nothing_is_hidden_are_seen() -> None:
    hidden = hidden_by([MaskSettings(polygon=DOOR)])
    assert hidden is not None
    seen = hidden.seen(8, 8)
    assert not seen[4:, 2].any()
    assert seen[:3].all()
    assert seen[:, 5:].all()


def test_a_region_is_told_with_the_zones_that_it_touches() -> None:
    zones = [Zone.of(zone("door", DOOR)), Zone.of(zone("left", LEFT)), Zone.of(zone("right", ALL))]
    region = Region(x=0.3, y=0.9, width=0.05, height=0.1, score=5, signal="motion")
    assert in_zones(region, zones).zones == ("door", "left", "right")
    assert in_zones(Region(0.6, 0, 0.4, 0.4, 5, "motion"), zones[:2]).zones == ()
    assert zones[0].share == pytest.approx(1 / 16, abs=3 / GRAIN)


@pytest.mark.parametrize(
    ("zones", "masks", "why"),
    [
        ([zone("a", LEFT), zone("a", ALL)], [], 'zones[1].name: expected a name of its own, got "a" a second time'),
        ([zone("a", LEFT[:2])], [], "zones[0].polygon: expected from 3 to 100 corners, got 2"),
        ([], [MaskSettings(polygon=DOOR), MaskSettings(polygon=LEFT[:2])], "masks[1].polygon: expected from 3"),
        ([], [MaskSettings(polygon=ALL)], "masks: expected at most 90% of the picture to be hidden, got 100%"),
        ([], [MaskSettings(polygon=DOOR)] * 33, "masks: expected at most 32, got 33"),
    ],
)
def test_what_cannot_be_is_told_with_its_key(zones: list[ZoneSettings], masks: list[MaskSettings], why: str) -> None:
    assert (flaw_in(zones, masks) or "").startswith(why)
