"""A camera behind privacy masks, which was enrolled without them, is as well as it was, and its faults are named."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from engines.contract import Pixels
from pipelines.masks import Masks
from pipelines.zones import MaskSettings, Polygon
from tests.pipelines.health.test_picture import FAULTS
from tests.pipelines.health.watched import Watched, seconds

MASKS: dict[str, Polygon] = {
    "the right third": ((0.66, 0), (1, 0), (1, 1), (0.66, 1)),
    "the lower half": ((0, 0.5), (1, 0.5), (1, 1), (0, 1)),
    "all but the left quarter": ((0.25, 0), (1, 0), (1, 1), (0.25, 1)),
    "a corner": ((0, 0), (0.3, 0), (0, 0.4)),
}


def masks(polygon: Polygon) -> Masks:
    made = Masks.of([MaskSettings(polygon=polygon)])
    assert made is not None
    return made


def watch(camera: Watched, frames: Iterable[Pixels], behind: Masks | None) -> list[bool]:
    """Whether each frame may raise an alarm."""
    fit = []
    for frame in frames:
        shown = frame if behind is None else behind.fill(frame)
        fitness = camera.see(shown, hidden=None if behind is None else behind.hidden)
        fit.append(fitness.unfit is None and not fitness.held)
    return fit


@pytest.mark.parametrize("polygon", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("enrolled", [True, False])
def test_masks_that_come_and_go_are_no_fault_and_hold_no_alarm_back(polygon: Polygon, enrolled: bool) -> None:
    camera = Watched() if enrolled else Watched(views={})
    behind = masks(polygon)
    assert all(watch(camera, seconds(3), None))
    assert all(watch(camera, seconds(6), behind))
    assert all(watch(camera, seconds(3), None))
    assert camera.begun == []


@pytest.mark.parametrize("polygon", [MASKS["the right third"], MASKS["a corner"]], ids=["a third", "a corner"])
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_named_by_what_is_seen(kind: str, polygon: Polygon) -> None:
    camera, behind = Watched(), masks(polygon)
    watch(camera, seconds(4), behind)
    change: Callable[[Pixels, int], Pixels] = FAULTS[kind]
    watch(camera, seconds(3.2, change), behind)
    assert camera.begun == [kind]
    watch(camera, seconds(4), behind)
    assert [(event.kind, event.phase) for event in camera.told] == [(kind, "begin"), (kind, "end")]


def test_a_view_that_is_learnt_behind_masks_serves() -> None:
    camera, behind = Watched(views={}), masks(MASKS["the right third"])
    assert all(watch(camera, seconds(66), behind))
    watch(camera, seconds(3, FAULTS["moved"]), behind)
    assert camera.begun == ["moved"]
