"""Frames of a video: a live stream, a device or a file."""

from __future__ import annotations

import time

from av.video.frame import VideoFrame

from engines.contract import Pixels
from pipelines.errors import SourceError, SourceLost, SourceRefused
from pipelines.sources.convert import Converter, LazyPicture
from pipelines.sources.fragment import WHOLE, Stretch
from pipelines.sources.libav import Decoder, Input
from pipelines.sources.pacing import Pacer
from pipelines.sources.settings import SourceSettings
from pipelines.sources.source import Admits, NotYet, Sample, always
from pipelines.sources.timing import FileClock, LiveClock, Sampler

_ROUNDING_S = 0.001
"""Times written by people and by some formats are rounded to the millisecond."""
_SEEK_FROM_S = 5.0
_SEEK_BEFORE_S = 1.0


class VideoSource:
    """Decodes a video and gives the frames of its stretch, sampled to the analysed rate."""

    still = False

    def __init__(
        self,
        source: Input,
        settings: SourceSettings,
        input_size: tuple[int, int],
        stretch: Stretch = WHOLE,
        admits: Admits = always,
    ) -> None:
        self._source = source
        self._settings = settings
        self._stretch = stretch
        self._admits = admits
        self._converter = Converter(input_size)
        self._pacer = Pacer() if settings.paced else None
        self._decoder: Decoder | None = None
        self._over = False

    @property
    def size_hint(self) -> int | None:
        """About how many samples a file holds; None for what is live."""
        decoder = self._decoder
        if decoder is None or decoder.live or decoder.duration_s is None:
            return None
        end_s = decoder.duration_s if self._stretch.end_s is None else min(self._stretch.end_s, decoder.duration_s)
        rate = 1 / decoder.interval_s
        return max(0, round((end_s - self._stretch.start_s) * min(rate, self._settings.fps or rate)))

    def open(self) -> None:
        """Connect or open, and go to the stretch's beginning."""
        if self._decoder is not None:
            return
        self._begin(Decoder(self._source))
        if not self._decoder_now.live and self._stretch.start_s > _SEEK_FROM_S:
            self._seek()

    def read(self, patience_s: float | None = None) -> Sample | None:
        """The next sample of the stretch; None at its end. Raises NotYet when `patience_s` passes without one."""
        until = None if patience_s is None else time.monotonic() + patience_s
        while not self._over and (frame := self._decoder_now.next_frame(until)) is not None:
            captured_ns = time.monotonic_ns()
            time_s = self._time(frame, captured_ns)
            if self._is_after(time_s):
                break
            if not self._is_before(time_s):
                if not self._sampler.wants(time_s):
                    self._skipped += 1
                elif self._admits():
                    return self._sample(frame, time_s, captured_ns)
                else:
                    self._shed += 1
            if until is not None and time.monotonic() > until:
                raise NotYet
        self._over = True
        self._refuse_if_nothing_came()
        return None

    def close(self) -> None:
        """Hang up, or close the file."""
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None

    @property
    def _decoder_now(self) -> Decoder:
        if self._decoder is None:
            raise SourceRefused(f"{self._source.label}: not open")
        return self._decoder

    def _begin(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._over = False
        self._given = 0
        self._skipped = self._shed = 0
        self._corrupt_told = 0
        self._start_pts = decoder.stream.start_time
        self._counts_frames = decoder.guesses_times
        self._clock = LiveClock(has_times=decoder.has_times) if decoder.live else FileClock(decoder.interval_s)
        self._sampler = Sampler(self._settings.fps)
        self._tolerance_s = min(_ROUNDING_S, decoder.interval_s / 4)

    def _seek(self) -> None:
        """Skip most of what lies before the stretch; a file that lands past its beginning is read from the start."""
        decoder = self._decoder_now
        if not decoder.seek(self._stretch.start_s - _SEEK_BEFORE_S):
            return
        frame = decoder.next_frame()
        pts_s = None if frame is None else self._pts_s(frame)
        if frame is not None and pts_s is not None and self._is_before(pts_s):
            decoder.put_back(frame)
            return
        decoder.close()
        self._begin(Decoder(self._source))

    def _pts_s(self, frame: VideoFrame) -> float | None:
        pts, base = frame.pts, frame.time_base
        if pts is None or not base or self._counts_frames:
            return None
        if self._start_pts is None:
            self._start_pts = pts
        return (pts - self._start_pts) * base.numerator / base.denominator  # as exact as a product of fractions

    def _time(self, frame: VideoFrame, captured_ns: int) -> float:
        pts_s = self._pts_s(frame)
        if isinstance(self._clock, LiveClock):
            return self._clock.tell(pts_s, captured_ns / 1e9)
        return self._clock.tell(pts_s)

    def _is_before(self, time_s: float) -> bool:
        return self._stretch.start_s > 0 and time_s < self._stretch.start_s - self._tolerance_s

    def _is_after(self, time_s: float) -> bool:
        return self._stretch.end_s is not None and time_s >= self._stretch.end_s - self._tolerance_s

    def _sample(self, frame: VideoFrame, time_s: float, captured_ns: int) -> Sample:
        if self._pacer is not None and not self._decoder_now.live:
            self._pacer.wait(time_s)
            captured_ns = time.monotonic_ns()  # paced, a file's frame arrives when its time has come
        wall_s = time.time()
        pixels = self._convert(frame)
        corrupt = self._decoder_now.corrupt - self._corrupt_told
        self._corrupt_told += corrupt
        skipped, self._skipped = self._skipped, 0
        shed, self._shed = self._shed, 0
        self._given += 1
        picture = LazyPicture(frame, self._decoder_now.pixel_aspect)
        return Sample(
            pixels=pixels,
            time_s=time_s,
            captured_ns=captured_ns,
            wall_s=wall_s,
            picture=picture,
            skipped=skipped,
            shed=shed,
            corrupt=corrupt,
            stream=self._decoder_now.describe(frame),
            pts_s=self._pts_s(frame) if self._decoder_now.live and self._decoder_now.has_times else None,
            damaged=self._decoder_now.damaged,
        )

    def _convert(self, frame: VideoFrame) -> Pixels:
        try:
            return self._converter.convert(frame)
        except SourceError as error:
            kind = SourceLost if self._decoder_now.live else SourceRefused
            raise kind(f"{self._source.label}: {error}") from None

    def _refuse_if_nothing_came(self) -> None:
        if self._given:
            return
        if self._stretch == WHOLE:
            raise SourceRefused(f"{self._source.label}: no frame in it can be decoded; the file is damaged or empty")
        raise SourceRefused(f"{self._source.label}: no frame in this stretch; choose one inside the video")
