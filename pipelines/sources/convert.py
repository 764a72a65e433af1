"""Pixels: whatever a camera or a picture file gives becomes uint8 RGB, at the network's size or at its own."""

from __future__ import annotations

import threading
from fractions import Fraction
from functools import partial
from typing import cast

import av.error
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import Interpolation, VideoReformatter

from engines.contract import Pixels
from pipelines.errors import SourceError

_ANY_COLOURS = 2
"""AVCOL_SPC_UNSPECIFIED: libav takes the matrix that fits most videos."""
_FATAL = ("yaf32be", "yaf32le")
"""Grey with transparency as floats: libswscale (FFmpeg 8) ends the process over them where it should fail."""
_SANE_ASPECT = (Fraction(1, 4), Fraction(4))


class Converter:
    """Scales decoded frames to the input size with one kept scaler: areas are averaged, so nothing aliases."""

    def __init__(self, input_size: tuple[int, int]) -> None:
        self._height, self._width = input_size
        self._reformatter = VideoReformatter()

    def convert(self, frame: VideoFrame) -> Pixels:
        """The frame as uint8 [H, W, 3] RGB at the input size, upright."""
        turns = quarter_turns(frame)
        size = (self._width, self._height) if turns % 2 == 0 else (self._height, self._width)
        return _turned(self._scaled(frame, size), turns)

    def _scaled(self, frame: VideoFrame, size: tuple[int, int]) -> Pixels:
        """By planes: swscale makes interleaved RGB by tables, at twice the cost and up to three levels too dark."""
        scaled = _reformatted(self._reformatter, frame, size, "gbrp")
        green, blue, red = (_plane(plane) for plane in scaled.planes)
        return np.asarray(cv2.merge((red, green, blue)), np.uint8)


class LazyPicture:
    """A decoded frame that becomes a picture when somebody asks. Holds the decoder's buffer until it goes itself."""

    def __init__(self, frame: VideoFrame, pixel_aspect: Fraction | None) -> None:
        self._frame = frame
        self._pixel_aspect = pixel_aspect
        self._one_at_a_time = threading.Lock()  # scaling touches the frame's colour tags for a moment

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture."""
        width, height = square_size(self._frame.width, self._frame.height, self._pixel_aspect)
        return (height, width) if quarter_turns(self._frame) % 2 == 0 else (width, height)

    def __call__(self) -> Pixels:
        """The frame as uint8 [H, W, 3] RGB at the camera's own size, upright and with square pixels."""
        size = square_size(self._frame.width, self._frame.height, self._pixel_aspect)
        with self._one_at_a_time:
            picture = _to_rgb(VideoReformatter(), self._frame, size)
        return _turned(picture, quarter_turns(self._frame))


def quarter_turns(frame: VideoFrame) -> int:
    """Quarter turns counter-clockwise that put the frame upright (its display matrix)."""
    return round(frame.rotation / 90) % 4


def square_size(width: int, height: int, pixel_aspect: Fraction | None) -> tuple[int, int]:
    """Width and height with square pixels: the side that is squeezed grows. An absurd aspect is not believed."""
    if pixel_aspect is None or not _SANE_ASPECT[0] <= pixel_aspect <= _SANE_ASPECT[1]:
        return width, height
    if pixel_aspect >= 1:
        return round(width * pixel_aspect), height
    return width, round(height / pixel_aspect)


def _to_rgb(reformatter: VideoReformatter, frame: VideoFrame, size: tuple[int, int]) -> Pixels:
    return np.ascontiguousarray(_reformatted(reformatter, frame, size, "rgb24").to_ndarray(), dtype=np.uint8)


def _reformatted(reformatter: VideoReformatter, frame: VideoFrame, size: tuple[int, int], form: str) -> VideoFrame:
    """Raises SourceError when libav knows no way."""
    if frame.format.name in _FATAL:
        raise SourceError(f"its pictures ({frame.format.name}) cannot be converted")
    width, height = size
    convert = partial(
        reformatter.reformat, width=width, height=height, format=form, interpolation=Interpolation.AREA, threads=1
    )
    try:
        return convert(frame)
    except av.error.FFmpegError:
        frame.colorspace = _ANY_COLOURS  # reserved and rare matrices are refused: nearly the colours are better
    try:
        return convert(frame)
    except av.error.FFmpegError as error:
        raise SourceError(f"its pictures ({frame.format.name}) cannot be converted: {error.strerror}") from None


def _plane(plane: VideoPlane) -> Pixels:
    """The plane's pixels, uint8 [H, W], where they lie."""
    lines = np.frombuffer(cast("memoryview", plane), np.uint8)  # it is a buffer, which its type does not say
    return lines.reshape(plane.height, plane.line_size)[:, : plane.width]


def _turned(picture: Pixels, turns: int) -> Pixels:
    return picture if turns == 0 else np.ascontiguousarray(np.rot90(picture, turns))


def resize(picture: Pixels, input_size: tuple[int, int]) -> Pixels:
    """A still as uint8 [H, W, 3] at the input size: each axis averaged when it shrinks, interpolated when it grows."""
    height, width = input_size
    wide = _resize_axis(picture, (width, picture.shape[0]), shrinks=width < picture.shape[1])
    return _resize_axis(wide, (width, height), shrinks=height < picture.shape[0])


def _resize_axis(picture: Pixels, size: tuple[int, int], *, shrinks: bool) -> Pixels:
    scaled = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(scaled, dtype=np.uint8)
