"""The generated scene: the same for the same seed, and its truth agrees with its pixels."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.simulation.scene import KINDS, VIEWS, Planted, Scene, plan_anomalies

SIZE = (320, 180)


def _middle(planted: Planted) -> float:
    """A moment at which a planted anomaly is well in the picture."""
    return planted.begin_s + 0.5 * min(planted.end_s - planted.begin_s, 8.0)


def test_the_same_seed_gives_the_same_frames_in_any_order() -> None:
    plan = plan_anomalies(0, 150, seed=3)
    first, second = (Scene(0, seed=7, anomalies=plan, size=SIZE) for _ in range(2))
    forward = [first.frame(i) for i in (5, 40, 90)]
    backward = [second.frame(i) for i in (90, 40, 5)]
    for a, b in zip(forward, reversed(backward), strict=True):
        np.testing.assert_array_equal(a, b)


def test_another_seed_gives_another_day() -> None:
    a, b = (Scene(1, seed=seed, size=SIZE).frame(60).astype(int) for seed in (1, 2))
    assert np.abs(a - b).mean() > 1


def test_frames_have_the_size_asked_for() -> None:
    for size in ((640, 360), (160, 120)):
        picture, truth = Scene(2, seed=1, size=size).at(0)
        assert picture.shape == (size[1], size[0], 3)
        assert picture.dtype == np.uint8
        assert truth.mask.shape == (size[1], size[0])


def test_ordinary_footage_has_no_flags() -> None:
    scene = Scene(4, seed=11, size=SIZE)
    for index in range(0, 1500, 100):
        truth = scene.truth(index)
        assert not truth.flagged
        assert not truth.mask.any()


def test_in_an_empty_scene_only_light_and_what_is_planted_change() -> None:
    plan = plan_anomalies(0, 150, seed=3)
    still, planted = Scene(0, 5, size=SIZE, empty=True), Scene(0, 5, plan, size=SIZE, empty=True)
    for index in (100, 200):
        change = np.abs(still.frame(index).astype(int) - still.frame(index + 1).astype(int)).mean(axis=2)
        assert np.quantile(change, 0.999) < 15, "noise"
    index = round(_middle(plan[0]) * planted.fps)
    assert planted.truth(index).flagged
    assert np.abs(planted.frame(index).astype(int) - still.frame(index).astype(int)).max() > 40


@pytest.mark.parametrize("view", range(8))
def test_what_is_planted_is_where_the_truth_says(view: int) -> None:
    """Pixels differ from those of the same day without the plan inside the mask, and hardly anywhere far from it."""
    plan = plan_anomalies(view, 180, seed=view)
    with_plan, without = Scene(view, 5, plan, size=SIZE), Scene(view, 5, size=SIZE)
    assert {one.kind for one in plan} == set(KINDS)
    for planted in plan[:5]:
        index = round(_middle(planted) * with_plan.fps)
        picture, truth = with_plan.at(index)
        assert [one.kind for one in truth.instances] == [planted.kind], planted.id
        change = np.abs(picture.astype(int) - without.frame(index).astype(int)).sum(axis=2)
        inside = truth.mask > 0
        assert np.mean(change[inside] > 12) > 0.7, planted.id
        x, y, width, height = truth.instances[0].box
        outside = np.ones(inside.shape, bool)
        outside[y : y + height, x : x + width] = False
        assert inside[outside].sum() == 0


@pytest.mark.parametrize("view", range(VIEWS))
def test_planted_anomalies_last_seconds_and_leave_gaps(view: int) -> None:
    plan = plan_anomalies(view, 180, seed=4, first_s=10.0)
    assert plan[0].begin_s >= 10.0
    assert plan[-1].end_s <= 180.0
    assert {one.kind for one in plan[:5]} == set(KINDS)
    assert len({one.id for one in plan}) == len(plan)
    for planted in plan:
        assert planted.end_s - planted.begin_s >= (10.0 if planted.kind == "left-object" else 4.0)
    for before, after in pairwise(plan):
        assert after.begin_s - before.end_s >= 4.0


def test_a_plan_without_room_for_every_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="no room for all five kinds"):
        plan_anomalies(0, 30, seed=1)


@settings(max_examples=4, deadline=None)
@given(view=st.integers(VIEWS, 60), seed=st.integers(0, 1000))
def test_any_view_number_is_a_view_with_room_for_every_kind(view: int, seed: int) -> None:
    plan = plan_anomalies(view, 240, seed)
    scene = Scene(view, seed, plan, size=(160, 90))
    assert scene.frame(3).std() > 5
    assert {one.kind for one in plan} == set(KINDS)


def test_an_object_left_behind_stays_while_its_owner_goes() -> None:
    plan = plan_anomalies(2, 180, seed=2)
    planted = next(one for one in plan if one.kind == "left-object")
    scene = Scene(2, 9, plan, size=SIZE)
    boxes = [
        next(one.box for one in scene.truth(round(t * scene.fps)).instances if one.id == planted.id)
        for t in np.linspace(planted.begin_s + 0.5, planted.end_s - 0.5, 6)
    ]
    bottoms = [y + height for _, y, _, height in boxes]
    assert max(bottoms) - min(bottoms) <= 12
    assert not scene.truth(round((planted.begin_s - 0.5) * scene.fps)).flagged
    assert not scene.truth(round((planted.end_s + 0.5) * scene.fps)).flagged


@pytest.mark.parametrize(("view", "size"), [(-1, SIZE), (0, (10, 10))])
def test_a_scene_that_cannot_be_drawn_is_refused(view: int, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"view|drawn"):
        Scene(view, seed=1, size=size)
