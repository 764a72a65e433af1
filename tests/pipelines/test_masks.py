"""Privacy masks before real sources, and before what was decoded when they were drawn."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np

from pipelines.masks import GREY, Curtain, Masks
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.sources.spec import parse_source
from pipelines.zones import MaskSettings, Polygon
from tests.pipelines.publishing import rig, status
from tests.pipelines.verdicts import Camera

LAWN: Polygon = ((0.1, 0.2), (0.9, 0.2), (0.9, 0.5), (0.1, 0.5))


def masks() -> Masks:
    made = Masks.of([MaskSettings(polygon=LAWN)])
    assert made is not None
    return made


def test_what_is_hidden_is_filled_in_every_picture_of_a_frame_and_the_rest_is_untouched(normal_clip: Path) -> None:
    def first(curtain: Curtain) -> tuple[np.ndarray, np.ndarray]:
        source = curtain.before(open_source(parse_source(str(normal_clip)), SourceSettings(fps=5), (256, 256)))
        sample = source.read()
        source.close()
        assert sample is not None
        return sample.pixels, sample.picture()

    for plain, behind in zip(first(Curtain()), first(Curtain(masks())), strict=True):
        height, width = plain.shape[:2]
        inside = np.s_[round(0.2 * height) : round(0.5 * height), round(0.1 * width) : round(0.9 * width)]
        assert (behind[inside] == GREY).all()
        assert plain[inside].std() > 5
        outside = np.ones((height, width), np.bool_)
        outside[round(0.2 * height) - 3 : round(0.5 * height) + 3, round(0.1 * width) - 3 : round(0.9 * width) + 3] = 0
        np.testing.assert_array_equal(plain[outside], behind[outside])


def test_the_very_next_frame_is_behind_a_curtain_that_is_drawn_and_not_one_that_is_taken_away(tmp_path: Path) -> None:
    for number in range(4):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((60, 80, 3), 200, np.uint8))
    curtain = Curtain()
    source = curtain.before(open_source(parse_source(str(tmp_path)), SourceSettings(), (48, 64)))
    hidden = []
    for drawn in (None, masks(), masks(), None):
        curtain.masks = drawn
        sample = source.read()
        assert sample is not None
        assert (sample.hidden is None) == (drawn is None)
        hidden.append(bool((sample.pixels != 200).any()))
        assert bool((sample.picture() != 200).any()) == hidden[-1]
    source.close()
    assert hidden == [False, True, True, False]


def test_a_camera_that_changes_its_size_is_hidden_at_each() -> None:
    made = masks()
    for rows, columns in ((120, 160), (240, 320), (480, 640), (60, 80), (120, 160), (1080, 1920)):
        filled = made.fill(np.zeros((rows, columns, 3), np.uint8))
        assert (filled[round(0.3 * rows), round(0.5 * columns)] == GREY).all()
        assert not filled[0].any()


def test_an_event_that_ends_after_masks_were_drawn_shows_what_they_leave() -> None:
    with rig(cameras=()) as room:
        plain = room.camera("yard")
        room.publisher.add(plain)
        with room.subscriber() as subscriber:
            room.publisher.offer(Camera().verdict(9.0))
            (begin,) = room.alerts(subscriber, 1)
            room.publisher.add(dataclasses.replace(plain, masks=masks()))
            room.publisher.report(status("yard", "lost"))
            (end,) = room.alerts(subscriber, 1)
    shown, left = (_decoded(message.clean_jpeg)[40:80, 40:280] for message in (begin, end))
    assert (end.header.phase, end.header.end_reason) == ("end", "camera")
    assert np.abs(shown.astype(int) - GREY[0]).max() > 50
    assert np.abs(left.astype(int) - GREY[0]).max() <= 4


def _decoded(jpeg: bytes) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))
