from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, timedelta, timezone

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engines.contract import SIGNALS, Maps, Pixels
from pipelines.caption import SIGNAL_COLOURS, SIGNAL_NAMES, Caption, Lettering, text_size
from pipelines.errors import PublishError
from pipelines.overlay import Painter, grey_levels
from pipelines.regions import RegionSettings, propose_regions
from pipelines.types import Phase, Pictures, Verdict
from tests.pipelines.verdicts import Camera, street


def paint(picture: Pixels, verdict: Verdict, phase: Phase = "begin", quality: int = 95) -> Pictures:
    regions = propose_regions(
        verdict.map, verdict.signal_maps, verdict.threshold, flagged=verdict.flagged, settings=RegionSettings()
    )
    return Painter(jpeg_quality=quality, zone=UTC).paint(picture, verdict, regions, phase)


def rgb(jpeg: bytes) -> NDArray[np.int16]:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.asarray(picture, np.int16)


SIZES = [(160, 120), (64, 48), (17, 333), (641, 359), (1920, 1080), (3840, 2160)]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_overlay_shows_the_picture_one_to_one_with_a_caption_below(width: int, height: int) -> None:
    pictures = paint(street(width, height), Camera().verdict(8.0))
    overlay, clean = rgb(pictures.overlay_jpeg), rgb(pictures.clean_jpeg)
    assert pictures.picture_size == clean.shape[1::-1] == (width, height)
    assert pictures.overlay_size == overlay.shape[1::-1]
    assert overlay.shape[1] == width
    assert overlay.shape[0] > height
    calm = np.s_[height * 3 // 4 : height, width * 3 // 4 :]
    assert np.abs(overlay[calm] - clean[calm]).mean() < 4


def test_colours_are_those_of_the_camera() -> None:
    clean = rgb(paint(street(), Camera().verdict(8.0)).clean_jpeg)
    assert np.abs(clean[75, 120] - (250, 240, 10)).max() < 12


def test_heat_lies_where_the_attention_is_and_nowhere_else() -> None:
    picture = np.full((320, 320, 3), 90, np.uint8)
    pictures = paint(picture, Camera().verdict(8.0))
    change = np.abs(rgb(pictures.overlay_jpeg)[:320] - rgb(pictures.clean_jpeg)).sum(axis=2)
    inside = change[110:130, 95:130]  # places (10..13, 8..13) of 32
    assert inside.min() > 60
    assert change[200:310, :].max() < 12
    assert change[:310, 220:].max() < 12


def test_what_lies_beneath_the_heat_stays_recognisable() -> None:
    rng = np.random.default_rng(0)
    picture = np.repeat(rng.integers(0, 2, (320, 320, 1), np.uint8) * 200, 3, axis=2)
    overlay = rgb(paint(picture, Camera().verdict(8.0)).overlay_jpeg)
    beneath, seen = picture[112:126, 95:130, 0].ravel(), overlay[112:126, 95:130].sum(axis=2).ravel()
    assert np.corrcoef(beneath, seen)[0, 1] > 0.7


def test_a_calm_frame_at_the_end_has_no_heat() -> None:
    picture = street(320, 320)
    pictures = paint(picture, Camera().verdict(1.0), "end")
    assert np.abs(rgb(pictures.overlay_jpeg)[:310] - rgb(pictures.clean_jpeg)[:310]).max() < 16


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_boxes_stand_out_on_dark_and_bright(grey: int) -> None:
    picture = np.full((360, 640, 3), grey, np.uint8)
    overlay = rgb(paint(picture, Camera().verdict(8.0)).overlay_jpeg)
    edge = overlay[112:158, 158:164].astype(float)
    assert edge.max() - edge.min() > 120


def test_the_quality_is_the_one_asked_for() -> None:
    verdict = Camera().verdict(8.0)
    coarse, fine = (len(paint(street(640, 360), verdict, quality=q).overlay_jpeg) for q in (30, 95))
    assert coarse < fine / 1.5


def test_a_picture_too_large_for_jpeg_is_refused_in_one_line() -> None:
    with pytest.raises(PublishError, match=r"cannot be encoded as \.jpg") as caught:
        paint(np.zeros((8, 70_000, 3), np.uint8), Camera().verdict(8.0))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("strange", [float("nan"), float("inf"), -3.0, 0.0])
def test_strange_scores_are_drawn_all_the_same(strange: float) -> None:
    verdict = Camera().verdict(8.0)
    places = verdict.map.copy()
    places[0, 0] = strange
    odd = replace(verdict, maps=Maps.of(places, verdict.signal_maps), score=strange, uncertainty=strange, signals={})
    assert paint(street(), odd).overlay_jpeg


def test_grey_levels_reach_the_peak() -> None:
    grey, step = grey_levels(np.array([[0.0, 2.5], [5.1, -1.0]], np.float32))
    assert grey.tolist() == [[0, 125], [255, 0]]
    assert step == pytest.approx(0.02)


def test_a_map_without_scores_has_grey_levels_too() -> None:
    grey, step = grey_levels(np.zeros((4, 4), np.float32))
    assert grey.max() == 0
    assert step > 0


def test_narrow_pictures_get_taller_captions_of_the_same_width() -> None:
    caption, verdict = Caption(Lettering(), UTC), Camera(name="warehouse-north-gate-2").verdict(8.0)
    wide, narrow = (caption.strip(verdict, "begin", width, 12) for width in (640, 160))
    assert (wide.shape[1], narrow.shape[1]) == (640, 160)
    assert narrow.shape[0] > wide.shape[0]


def test_a_frame_on_its_own_is_called_flagged_or_not_and_no_step_of_an_event() -> None:
    caption, camera = Caption(Lettering(), UTC), Camera()
    phases: tuple[Phase | None, ...] = (None, "update")
    strips = [caption.strip(camera.verdict(score), phase, 640, 15) for score in (8.0, 0.1) for phase in phases]
    assert all(np.abs(a.astype(int) - b).max() > 0 for a, b in itertools.combinations(strips, 2))


def test_the_time_is_told_in_the_zone_asked_for() -> None:
    verdict = Camera().verdict(8.0)
    london, moscow = (
        Caption(Lettering(), zone).strip(verdict, "begin", 640, 15) for zone in (UTC, timezone(timedelta(hours=3)))
    )
    assert not np.array_equal(london, moscow)


def test_every_signal_has_a_name_and_a_colour() -> None:
    assert set(SIGNAL_NAMES) == set(SIGNAL_COLOURS) == set(SIGNALS)


def test_text_too_long_for_its_room_is_cut_short() -> None:
    lettering = Lettering()
    cut = lettering.fit("a camera with a rather long name", 80, 12)
    assert cut.endswith("…")
    assert lettering.width(cut, 12) <= 80
    assert lettering.fit("short", 80, 12) == "short"


def test_text_grows_with_the_picture_but_more_slowly() -> None:
    sizes = [text_size(width, height) for width, height in ((160, 120), (640, 360), (1920, 1080), (3840, 2160))]
    assert sizes == [10, 15, 28, 47]
