"""Rendering a scene to an H.264 file, coded as a surveillance camera would, with its truth beside it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from pipelines.errors import SourceError
from pipelines.simulation.scene import Scene
from pipelines.simulation.scene.geometry import Image
from pipelines.simulation.sidecar import ClipTruth, TruthRecorder

_BITS_PER_PIXEL = 0.26
"""About 900 kbit/s at 640x360 and 15 frames/s."""


class Encoder:
    """Writes uint8 RGB frames to an H.264 file: baseline profile, regular key frames, no B frames."""

    def __init__(
        self, path: Path, size: tuple[int, int], fps: float, bitrate: int | None = None, key_interval_s: float = 1.0
    ) -> None:
        """`size` is width and height, both even; `bitrate` in bits a second, by default one that fits the size.

        Raises:
            SourceError: The file cannot be written or the size cannot be coded.
        """
        rate = Fraction(fps).limit_denominator(1000)
        bitrate = bitrate or int(size[0] * size[1] * fps * _BITS_PER_PIXEL)
        key_interval = str(max(1, round(fps * key_interval_s)))
        options = {
            "preset": "veryfast",
            "tune": "zerolatency",
            "profile": "baseline",
            "g": key_interval,
            "keyint_min": key_interval,
            "sc_threshold": "0",
            "bf": "0",
            "maxrate": str(int(1.5 * bitrate)),
            "bufsize": str(bitrate),
        }
        try:
            self._container = av.open(str(path), "w")
            self._stream = self._container.add_stream("libx264", rate=rate, options=options)
            self._stream.width, self._stream.height = size
            self._stream.pix_fmt = "yuv420p"
            self._stream.bit_rate = bitrate
            self._stream.codec_context.thread_count = 1
            self._container.start_encoding()
        except (OSError, av.FFmpegError) as error:
            raise SourceError(f"cannot write video to {path}: {error}") from error

    def add(self, pixels: Image) -> None:
        """Code the next frame."""
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Finish the file."""
        self._container.mux(self._stream.encode(None))
        self._container.close()


def encode_scene(
    scene: Scene,
    path: Path,
    seconds: float,
    bitrate: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    key_interval_s: float = 1.0,
) -> ClipTruth:
    """Render the first `seconds` of a scene to `path` (MP4) and its truth beside it; returns that truth.

    `progress` is told the frames done and the frames in all.

    Raises:
        SourceError: The file cannot be written.
    """
    count = max(1, round(seconds * scene.fps))
    encoder = Encoder(path, scene.size, scene.fps, bitrate, key_interval_s)
    recorder = TruthRecorder(scene)
    try:
        for done, (pixels, truth) in enumerate(scene.frames(count), start=1):
            encoder.add(pixels)
            recorder.add(truth)
            if progress is not None:
                progress(done, count)
    finally:
        encoder.close()
    return recorder.write(path)
