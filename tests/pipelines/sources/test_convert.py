"""From a decoded frame to the network's input."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from av.video.frame import VideoFrame

from engines.contract import Pixels
from pipelines.errors import SourceError
from pipelines.sources.convert import Converter, LazyPicture


def street(width: int, height: int) -> Pixels:
    """A smooth picture with one edge, uint8 RGB."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = np.stack([255 * columns / width, 255 * rows / height, 128 + 0 * rows], axis=-1)
    picture[height // 4 : height // 2, width // 4 : width // 2] = (200, 40, 60)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 4), np.uint8)


@pytest.mark.parametrize("form", ["yuv420p", "yuvj420p", "yuv422p", "nv12", "rgb24", "yuv420p10le"])
@pytest.mark.parametrize("size", [(640, 360), (1920, 1080), (356, 242)])
def test_colours_arrive_as_they_were_taken(form: str, size: tuple[int, int]) -> None:
    picture = street(*size)
    frame = VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=form)
    made = Converter((256, 256)).convert(frame).astype(np.float32)
    wanted = cv2.resize(picture, (256, 256), interpolation=cv2.INTER_AREA).astype(np.float32)
    assert np.abs(made - wanted).mean() < 2
    assert np.abs((made - wanted).mean((0, 1))).max() < 1.5, "no colour is lifted or lowered as a whole"


def test_grey_frames_are_grey() -> None:
    frame = VideoFrame.from_ndarray(street(640, 360)[..., 0], format="gray")
    made = Converter((256, 256)).convert(frame)
    assert made.shape == (256, 256, 3)
    assert (made[..., 0] == made[..., 1]).all()
    assert (made[..., 0] == made[..., 2]).all()


@pytest.mark.parametrize("form", ["yaf32be", "yaf32le", "gray32le"])
def test_pixels_that_libav_cannot_scale_are_refused_by_name_and_end_no_process(form: str) -> None:
    frame = VideoFrame(64, 48, form)
    refusal = f"its pictures \\({form}\\) cannot be converted"
    with pytest.raises(SourceError, match=refusal):
        Converter((32, 32)).convert(frame)
    with pytest.raises(SourceError, match=refusal):
        LazyPicture(frame, None)()
