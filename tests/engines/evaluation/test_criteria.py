"""RBDC and TBDC (Ramachandra and Jones, WACV 2020), worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engines.evaluation.criteria import DetectionTally, levels_of, match
from engines.evaluation.truth import FrameTruth, Region


def box(left: int, top: int, width: int, height: int) -> NDArray[np.bool_]:
    mask = np.zeros((20, 20), np.bool_)
    mask[top : top + height, left : left + width] = True
    return mask


def truth(mask: NDArray[np.bool_], track: str | None = "a") -> FrameTruth:
    return FrameTruth(abnormal=True, regions=(Region(mask, "thing", track),))


NORMAL = FrameTruth(abnormal=False)
LEVELS = np.array([3, 2, 1], np.float32)


def test_a_tenth_of_the_union_is_enough_and_less_is_not() -> None:
    region = box(0, 0, 10, 10)
    assert match(box(0, 0, 10, 1), [region]) == ([True], 0)
    assert match(box(0, 0, 9, 1), [region]) == ([False], 1)
    # A detection of the whole frame covers the region, but the union is 400 pixels and the region has 100.
    assert match(box(0, 0, 20, 20), [region]) == ([True], 0)
    assert match(box(0, 0, 20, 20), [box(0, 0, 6, 6)]) == ([False], 1)


def test_one_detection_may_cover_two_regions() -> None:
    assert match(box(0, 0, 20, 4), [box(0, 0, 8, 4), box(12, 0, 8, 4)]) == ([True, True], 0)


def test_parts_that_touch_by_a_corner_are_one_detection() -> None:
    assert match(box(0, 0, 2, 2) | box(2, 2, 2, 2), []) == ([], 1)


def test_area_under_the_region_curve() -> None:
    tally = DetectionTally(LEVELS)
    tally.add(3 * box(0, 0, 5, 5).astype(np.float32), truth(box(0, 0, 5, 5)))
    tally.add(1 * box(0, 0, 5, 5).astype(np.float32), truth(box(0, 0, 5, 5)))
    tally.add(2 * box(9, 9, 3, 3).astype(np.float32), NORMAL)
    tally.add(np.zeros((20, 20), np.float32), NORMAL)
    # Level 3: half found, no false positive. Level 2: one in four frames. Level 1: all found.
    curve = tally.region_curve()
    assert curve is not None
    assert curve.x.tolist() == [0, 0, 0.25, 0.25]
    assert curve.y.tolist() == [0, 0.5, 0.5, 1.0]
    assert tally.rbdc() == pytest.approx(0.25 * 0.5 + 0.75)


def test_a_track_counts_once_a_tenth_of_its_regions_is_detected() -> None:
    tally = DetectionTally(np.array([1], np.float32))
    for frame in range(20):
        hit = frame < 2
        tally.add(hit * box(0, 0, 5, 5).astype(np.float32), truth(box(0, 0, 5, 5), "long"))
    for frame in range(20):
        tally.add((frame < 1) * box(0, 0, 5, 5).astype(np.float32), truth(box(0, 0, 5, 5), "longer"))
    # 2 of 20 is a tenth, 1 of 20 is not; no false positive anywhere.
    assert tally.tbdc() == pytest.approx(0.5)
    assert tally.rbdc() == pytest.approx(3 / 40)


def test_tracks_of_two_clips_stay_apart() -> None:
    tally = DetectionTally(np.array([1], np.float32))
    tally.add(box(0, 0, 5, 5).astype(np.float32), truth(box(0, 0, 5, 5)), "one")
    tally.add(np.zeros((20, 20), np.float32), truth(box(0, 0, 5, 5)), "two")
    assert tally.tbdc() == pytest.approx(0.5)


def test_ignored_places_raise_nothing() -> None:
    tally = DetectionTally(np.array([1], np.float32))
    mask = box(0, 0, 5, 5)
    scores = (mask | box(10, 10, 5, 5)).astype(np.float32)
    tally.add(scores, FrameTruth(abnormal=True, regions=(Region(mask, "x", None),), ignored=box(10, 10, 5, 5)))
    assert tally.false.tolist() == [0]
    assert tally.rbdc() == pytest.approx(1.0)
    assert tally.tbdc() is None


def test_what_melts_together_below_is_not_lost() -> None:
    region = box(0, 0, 3, 3)
    tally = DetectionTally(np.array([2, 1], np.float32))
    tally.add(np.where(region, 2, 1).astype(np.float32), truth(region))
    # At level 1 the whole frame is one detection with an intersection over union of 9 in 400.
    assert tally.detected.tolist() == [1, 0]
    assert tally.rbdc() == pytest.approx(1.0)


def test_nothing_is_said_without_regions() -> None:
    tally = DetectionTally(LEVELS)
    tally.add(np.ones((20, 20), np.float32), NORMAL)
    assert tally.rbdc() is None
    assert tally.false.tolist() == [0, 0, 1]


def test_levels_fall_and_reach_from_the_highest_peak_into_the_mass() -> None:
    levels = levels_of(np.array([1.0, 5.0, 9.0]), np.linspace(0, 1, 100))
    assert (np.diff(levels) < 0).all()
    assert levels[0] == 9
    assert levels[-1] < 0.5
