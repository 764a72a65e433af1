"""Real videos, made with PyAV, whose frames carry their number: twelve black or white blocks, lowest bit first."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from engines.contract import Pixels
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.sources.source import Sample, Source
from pipelines.sources.spec import SourceSpec, parse_source

SIZE = (96, 128)
_ROWS, _COLUMNS = 3, 4


def numbered_picture(number: int, size: tuple[int, int] = SIZE) -> Pixels:
    """uint8 [H, W, 3] that shows a number below 4096."""
    bits = np.array([(number >> i) & 1 for i in range(_ROWS * _COLUMNS)], dtype=np.uint8).reshape(_ROWS, _COLUMNS)
    height, width = size
    rows = np.arange(height) * _ROWS // height
    columns = np.arange(width) * _COLUMNS // width
    grey = 40 + 170 * bits[np.ix_(rows, columns)]
    return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)


def number_of(picture: Pixels) -> int:
    """The number that a picture shows, at any size."""
    height, width = picture.shape[:2]
    rows = ((np.arange(_ROWS) + 0.5) * height / _ROWS).astype(int)
    columns = ((np.arange(_COLUMNS) + 0.5) * width / _COLUMNS).astype(int)
    bits = picture[np.ix_(rows, columns)].mean(axis=2).reshape(-1) > 125
    return int(sum(1 << i for i, bit in enumerate(bits) if bit))


def write_video(
    path: Path,
    pictures: Iterable[Pixels],
    *,
    fps: Fraction | int = 10,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    gop: int = 12,
    b_frames: int = 0,
    options: dict[str, str] | None = None,
    rotation: float = 0,
    pixel_aspect: Fraction | None = None,
) -> Path:
    """Encode pictures into a file."""
    with av.open(str(path), "w") as container:
        stream: VideoStream | None = None
        for i, picture in enumerate(pictures):
            if stream is None:
                added = container.add_stream(codec, rate=fps, options=options or {})
                assert isinstance(added, VideoStream)
                stream = added
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = pix_fmt
                stream.gop_size = gop
                stream.max_b_frames = b_frames
                if pixel_aspect is not None:
                    stream.codec_context.sample_aspect_ratio = pixel_aspect
                if rotation:
                    stream.set_display_rotation(rotation)
            frame = VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1) / Fraction(fps)
            container.mux(stream.encode(frame))
        assert stream is not None
        container.mux(stream.encode(None))
    return path


def numbered_video(path: Path, frames: int, **how: object) -> Path:
    """A file whose frame i shows i."""
    return write_video(path, (numbered_picture(i) for i in range(frames)), **how)  # type: ignore[arg-type]


def samples_of(source: Source) -> list[Sample]:
    """Everything that a source gives; it is closed."""
    samples: list[Sample] = []
    try:
        source.open()
        while (sample := source.read()) is not None:
            samples.append(sample)
    finally:
        source.close()
    return samples


def read_all(what: str | Path | SourceSpec, size: tuple[int, int] = (48, 64), **settings: object) -> list[Sample]:
    """Everything that a source gives."""
    spec = what if isinstance(what, SourceSpec) else parse_source(str(what))
    return samples_of(open_source(spec, SourceSettings(**settings), size))  # type: ignore[arg-type]


def numbers(samples: Iterable[Sample]) -> list[int]:
    """The numbers that samples show."""
    return [number_of(sample.pixels) for sample in samples]
