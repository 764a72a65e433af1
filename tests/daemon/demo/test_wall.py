"""The contact sheet."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from daemon.demo.site import Counts
from daemon.demo.tally import tally
from daemon.demo.wall import best_alerts, missed_scenes, save_pictures, worth
from daemon.demo.watching import Heard, Listener
from pipelines.simulation.encode import Encoder
from tests.daemon.demo.clips import FPS, SIZE, heard, message, truth

KNOWN = truth(
    ("cyclist", "cyclist-1", 10.0, 16.0, (100, 80, 20, 40)), ("running", "running-1", 20.0, 26.0, (200, 40, 20, 40))
)
LOOSE, TIGHT = (9, 6, 5, 8), (10, 8, 2, 4)


def test_the_alert_whose_box_fits_best_is_chosen() -> None:
    came = heard([(11.0, message(LOOSE, wall_s=1)), (12.0, message(TIGHT, wall_s=2))], KNOWN)
    best = best_alerts(came, {"yard": KNOWN})
    assert list(best) == [("yard", "cyclist")]
    assert best["yard", "cyclist"] is came[1]


def test_an_alert_after_the_anomaly_has_gone_is_worth_least() -> None:
    late, timely = heard([(16.5, message(TIGHT, wall_s=1)), (12.0, message(LOOSE, wall_s=2))], KNOWN)
    assert worth(late, KNOWN, "cyclist-1") < worth(timely, KNOWN, "cyclist-1")


def listener(came: list[Heard], folder: Path) -> Listener:
    return Listener({}, {"yard": KNOWN}, folder, lambda _: None, lambda *_: None, heard=came)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "yard.mp4"
    encoder = Encoder(path, SIZE, FPS)
    for _ in range(300):
        encoder.add(np.full((SIZE[1], SIZE[0], 3), 200, np.uint8))
    encoder.close()
    return path


def test_the_sheet_has_a_tile_for_every_kind_and_the_best_overlay_lies_beside(tmp_path: Path, clip: Path) -> None:
    came = heard([(12.0, message(TIGHT, wall_s=1))], KNOWN)
    outcomes = tally(came, {"yard": KNOWN}, {"yard": Counts(300, 150, 150, 0)})
    save_pictures(listener(came, tmp_path), {"yard": clip}, outcomes, tmp_path / "wall.png", tmp_path / "best.jpg")
    sheet = cv2.imread(str(tmp_path / "wall.png"))
    assert sheet is not None
    assert sheet.shape[1] > 5 * 512
    assert (tmp_path / "best.jpg").read_bytes() == came[0].message.overlay_jpeg


def test_what_was_missed_is_shown_where_it_is(clip: Path) -> None:
    outcomes = tally([], {"yard": KNOWN}, {"yard": Counts(300, 150, 150, 0)})
    scenes = missed_scenes({"yard": clip}, {"yard": KNOWN}, outcomes)
    assert set(scenes) == {("yard", "cyclist"), ("yard", "running")}
    scene = scenes["yard", "cyclist"]
    assert scene[100, 110].mean() > 180  # inside the box as it is
    assert scene[20, 20].mean() < 120  # the rest in the dark


def test_a_sheet_without_any_alert_can_be_drawn(tmp_path: Path, clip: Path) -> None:
    outcomes = tally([], {"yard": KNOWN}, {"yard": Counts(300, 150, 150, 0)})
    save_pictures(listener([], tmp_path), {"yard": clip}, outcomes, tmp_path / "wall.png", tmp_path / "best.jpg")
    assert (tmp_path / "wall.png").exists()
    assert not (tmp_path / "best.jpg").exists()
