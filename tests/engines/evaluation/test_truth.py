"""Truth files and what they say of a frame."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from engines.evaluation.truth import Span, Truth, components
from engines.evaluation.truthfile import TruthError, read_mask, read_truth_file, truth_of


def written(folder: Path, **source: Any) -> Path:
    path = folder / "truth.json"
    path.write_text(json.dumps({"schema": "vigil.truth/1", "sources": [{"source": "a.mp4", **source}]}))
    return path


def loaded(path: Path, stems: tuple[str, ...] = ()) -> Truth:
    return truth_of(read_truth_file(path).sources[0], path.parent, stems)


def test_ranges_of_frames(tmp_path: Path) -> None:
    truth = loaded(written(tmp_path, fps=10, abnormal=[{"first": 5, "last": 9, "kind": "car"}], judged=[[0, 12]]))
    assert truth.at(0.4, 64).abnormal is False
    assert truth.at(0.5, 64).abnormal is True
    assert truth.at(0.9, 64).kinds == ("car",)
    assert truth.at(0.5, 64).regions is None
    assert truth.at(1.3, 64).abnormal is None
    assert [(one.id, one.first_s, one.last_s) for one in truth.instances] == [("car-1", 0.5, 0.9)]


def test_times_between_frames_belong_to_the_nearest(tmp_path: Path) -> None:
    truth = loaded(written(tmp_path, fps=25, abnormal=[{"first": 10, "last": 10}]))
    assert truth.at(10 / 25 + 0.01, 64).abnormal is True
    assert truth.at(11 / 25, 64).abnormal is False


def test_spans_with_one_id_are_one_instance() -> None:
    truth = Truth(10, (Span(0, 9, "car", "x"), Span(20, 29, "car", "x")))
    assert truth.at(1.5, 64).abnormal is False
    assert [(one.first_s, one.last_s) for one in truth.instances] == [(0.0, 2.9)]


def test_boxes_are_regions_with_a_track(tmp_path: Path) -> None:
    spans = [{"first": 0, "last": 1, "kind": "car", "id": "c", "boxes": [[0, 2, 1, 3, 2]]}]
    truth = loaded(written(tmp_path, fps=1, size=[10, 8], abnormal=spans))
    (region,) = truth.at(0, 64).regions or ()
    assert region.mask.shape == (8, 10)
    assert region.mask[1:3, 2:5].all()
    assert region.mask.sum() == 6
    assert (region.kind, region.track) == ("car", "c")
    assert truth.at(1, 64).regions is None


def test_masks_with_ignored_grey_levels(tmp_path: Path) -> None:
    grey = np.zeros((8, 10), np.uint8)
    grey[0:2, 0:2], grey[5:8, 5:8], grey[4, 4] = 255, 255, 170
    (tmp_path / "gt").mkdir()
    cv2.imwrite(str(tmp_path / "gt" / "m0003.png"), grey)
    masks = {"folder": "gt", "name": "m{frame:04d}.png", "first": 1, "abnormal_from": 200, "ignored": [170]}
    truth = loaded(written(tmp_path, fps=1, abnormal=[{"first": 0, "last": 5, "id": "p"}], masks=masks))
    seen = truth.at(2, 64)
    assert sorted(int(region.mask.sum()) for region in seen.regions or ()) == [4, 9]
    assert {region.track for region in seen.regions or ()} == {"p"}
    assert seen.ignored is not None
    assert seen.ignored.sum() == 1
    assert truth.at(1, 64).regions is None


def test_a_box_cuts_its_instance_out_of_the_mask(tmp_path: Path) -> None:
    grey = np.zeros((8, 8), np.uint8)
    grey[0, :] = 255
    cv2.imwrite(str(tmp_path / "000000.png"), grey)
    spans = [
        {"first": 0, "last": 0, "kind": "car", "id": "c", "boxes": [[0, 0, 0, 3, 3]]},
        {"first": 0, "last": 0, "kind": "man", "id": "m", "boxes": [[0, 4, 0, 4, 3]]},
    ]
    truth = loaded(written(tmp_path, fps=1, abnormal=spans, masks={"folder": "."}))
    regions = truth.at(0, 64).regions or ()
    assert [(region.kind, int(region.mask.sum())) for region in regions] == [("car", 3), ("man", 4)]


def test_stills_are_abnormal_where_there_is_a_mask(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "b_mask.png"), np.full((4, 4), 255, np.uint8))
    truth = loaded(written(tmp_path, masks={"folder": ".", "name": "{stem}_mask.png"}), ("a", "b"))
    assert truth.at(0, 64).abnormal is False
    assert truth.at(1, 64).abnormal is True


def test_masks_are_scaled_down_and_small_things_stay() -> None:
    labels = np.zeros((400, 200), np.uint8)
    labels[200, 100] = 1
    truth = Truth(1, (Span(0, 0, "dot", "d"),), labels=lambda _: labels)
    (region,) = truth.at(0, 100).regions or ()
    assert region.mask.shape == (100, 50)
    assert region.mask.sum() == 1


def test_parts_that_touch_by_a_corner_are_one() -> None:
    assert len(components(np.eye(4, dtype=np.bool_))) == 1
    assert len(components(np.array([[True, False, True]]))) == 2


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"abnormal": [{"first": 5, "last": 2}]}, "before its first"),
        ({"abnormal": [{"first": 0, "last": 2, "boxes": [[0, 1, 1, 2, 2]]}]}, "size"),
        ({"abnorml": []}, "abnorml"),
        ({"fps": -1}, "fps"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, source: dict[str, Any], said: str) -> None:
    path = written(tmp_path, **source)
    with pytest.raises(TruthError, match=said) as caught:
        read_truth_file(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TruthError, match="check the path"):
        read_truth_file(tmp_path / "none.json")


@pytest.mark.parametrize(
    "name", ["{no}", "{0}", "{frame.no}", "{frame[0]}", "{frame:x.y}", "{frame:0999999999999d}", "{"]
)
def test_a_name_of_masks_that_makes_no_sense(tmp_path: Path, name: str) -> None:
    truth = loaded(written(tmp_path, fps=1, abnormal=[{"first": 0, "last": 1}], masks={"folder": ".", "name": name}))
    with pytest.raises(TruthError, match="not a name of masks"):
        truth.at(0, 64)


@pytest.mark.parametrize("folder", ["a" * 70_000, "a/" * 30_000])
def test_masks_in_a_folder_that_no_disk_can_hold(tmp_path: Path, folder: str) -> None:
    truth = loaded(written(tmp_path, fps=1, abnormal=[{"first": 0, "last": 1}], masks={"folder": folder}))
    with pytest.raises(TruthError, match="the mask cannot be read") as caught:
        truth.at(0, 64)
    assert len(str(caught.value)) < 300


def test_a_mask_of_no_bytes(tmp_path: Path) -> None:
    (tmp_path / "000000.png").touch()
    with pytest.raises(TruthError, match="not a mask"):
        read_mask(tmp_path / "000000.png")
