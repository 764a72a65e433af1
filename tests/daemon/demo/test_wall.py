"""The contact sheet."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from daemon.demo.site import Counts
from daemon.demo.tally import tally
from daemon.demo.wall import best_alerts, save_pictures, worth
from tests.daemon.demo.clips import heard, message, truth

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


def test_the_sheet_has_a_tile_for_every_kind_and_the_best_overlay_lies_beside(tmp_path: Path) -> None:
    came = heard([(12.0, message(TIGHT, wall_s=1))], KNOWN)
    outcomes = tally(came, {"yard": KNOWN}, {"yard": Counts(300, 150, 150, 0)})
    save_pictures(came, {"yard": KNOWN}, outcomes, tmp_path / "wall.png", tmp_path / "best.jpg")
    sheet = cv2.imread(str(tmp_path / "wall.png"))
    assert sheet is not None
    assert sheet.shape[0] > 5 * 288
    assert len(np.unique(sheet.reshape(-1, 3), axis=0)) > 50
    assert (tmp_path / "best.jpg").read_bytes() == came[0].message.overlay_jpeg


def test_a_sheet_without_any_alert_can_be_drawn(tmp_path: Path) -> None:
    outcomes = tally([], {"yard": KNOWN}, {"yard": Counts(300, 150, 150, 0)})
    save_pictures([], {"yard": KNOWN}, outcomes, tmp_path / "wall.png", tmp_path / "best.jpg")
    assert (tmp_path / "wall.png").exists()
    assert not (tmp_path / "best.jpg").exists()
