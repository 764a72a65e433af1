"""Pixels and regions, on maps small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engines.evaluation.pixels import PixelTally, joined, size_class, window_peaks
from engines.evaluation.truth import FrameTruth, Region


def box(left: int, top: int, width: int, height: int, shape: tuple[int, int] = (20, 20)) -> NDArray[np.bool_]:
    mask = np.zeros(shape, np.bool_)
    mask[top : top + height, left : left + width] = True
    return mask


def truth(*masks: NDArray[np.bool_], ignored: NDArray[np.bool_] | None = None) -> FrameTruth:
    return FrameTruth(
        abnormal=True, kinds=("thing",), regions=tuple(Region(m, "thing", "a") for m in masks), ignored=ignored
    )


def test_a_map_that_is_the_mask_is_perfect() -> None:
    mask = box(4, 4, 5, 5)
    tally = PixelTally()
    tally.add(mask.astype(np.float32) * 7, truth(mask))
    assert tally.auroc() == pytest.approx(1.0)
    assert tally.average_precision() == pytest.approx(1.0)
    assert tally.pro() == pytest.approx(1.0)
    assert tally.region_auroc() == pytest.approx(1.0)


def test_a_flat_map_is_chance() -> None:
    tally = PixelTally()
    tally.add(np.ones((20, 20), np.float32), truth(box(4, 4, 5, 5)))
    assert tally.auroc() == pytest.approx(0.5)
    # The curve is the diagonal: its area up to 0.3 is 0.045, as a share of 0.3.
    assert tally.pro() == pytest.approx(0.15)


def test_pro_weighs_a_small_region_as_much_as_a_large_one() -> None:
    large, small = box(0, 0, 10, 10), box(15, 15, 2, 2)
    scores = large.astype(np.float32)
    tally = PixelTally()
    tally.add(scores, truth(large, small))
    # One region is covered whole at no false positive; the other comes with all of the rest: half + half the diagonal.
    assert tally.pro() == pytest.approx(0.5 + 0.5 * 0.15)
    assert tally.auroc() == pytest.approx((100 + 4 * 0.5) / 104)


def test_a_quarter_of_the_normal_pixels_above_the_anomaly() -> None:
    mask, louder = box(0, 0, 10, 10), box(10, 10, 10, 10)[:, :]
    scores = mask.astype(np.float32) + 2 * (louder & (np.arange(20)[:, None] < 19)).astype(np.float32)
    tally = PixelTally()
    tally.add(scores, truth(mask))
    # 90 of 300 normal pixels score above: nothing is found until the false-positive rate is 0.3.
    assert tally.pro() == pytest.approx(0.0, abs=1e-9)
    assert tally.auroc() == pytest.approx(0.7)


def test_ignored_pixels_count_neither_way() -> None:
    mask, ring = box(4, 4, 4, 4), box(2, 2, 8, 8)
    tally = PixelTally()
    tally.add(ring.astype(np.float32), truth(mask, ignored=ring & ~mask))
    assert tally.auroc() == pytest.approx(1.0)


def test_normal_frames_add_false_positives() -> None:
    mask = box(0, 0, 10, 20)
    tally = PixelTally()
    tally.add(mask.astype(np.float32), truth(mask))
    tally.add(np.full((20, 20), 2, np.float32), FrameTruth(abnormal=False))
    # The abnormal frame has half a frame of normal pixels below; the normal frame has one whole frame above.
    assert tally.auroc() == pytest.approx(1 / 3)


def test_frames_without_a_place_are_passed_over() -> None:
    tally = PixelTally()
    tally.add(np.ones((4, 4), np.float32), FrameTruth(abnormal=True, regions=None))
    assert tally.auroc() is None
    assert tally.pro() is None
    assert not tally.normal.any()


def test_region_auroc_compares_peaks() -> None:
    scores = np.zeros((16, 16), np.float32)
    scores[0, 0], scores[15, 15] = 5, 9
    tally = PixelTally()
    tally.add(scores, truth(box(0, 0, 2, 2, (16, 16))))
    # 63 windows of 2 x 2 are normal and one of them, with 9, outdoes the region's 5.
    assert tally.windows.sum() == 63
    assert tally.region_auroc() == pytest.approx(62 / 63)


def test_windows_with_anything_abnormal_are_left_out() -> None:
    assert window_peaks(np.ones((16, 16), np.float32), ~box(3, 3, 2, 2, (16, 16))).size == 60


def test_regions_are_told_apart_by_kind_and_size() -> None:
    first, second = PixelTally(), PixelTally()
    first.add(box(0, 0, 1, 2).astype(np.float32), truth(box(0, 0, 1, 2)))
    second.add(np.zeros((20, 20), np.float32), truth(box(0, 0, 10, 10)))
    whole = joined((first, second))
    assert whole.all.regions == 2
    small, large = size_class(box(0, 0, 1, 2)), size_class(box(0, 0, 10, 10))
    assert {name: one.regions for name, one in whole.sizes.items()} == {small: 1, large: 1}
    assert whole.kinds["thing"].regions == 2


def test_a_coarse_map_is_interpolated_to_the_mask() -> None:
    tally = PixelTally()
    tally.add(np.array([[4, 0], [0, 0]], np.float32), truth(box(0, 0, 4, 4)))
    auroc = tally.auroc()
    assert auroc is not None
    assert auroc > 0.98
