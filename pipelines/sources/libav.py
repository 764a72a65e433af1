"""PyAV: connects or opens, and hands out decoded frames. Its errors become ours, without secrets."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

import av
import av.error
import av.logging
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from pipelines.errors import SourceError, SourceLost, SourceRefused, SourceStalled
from pipelines.sources.source import NotYet, Stream

log = logging.getLogger("vigil.sources")

FIRST_PICTURE_S = 15.0
"""How long a live stream may keep its first picture back: some cameras send key frames seldom."""

_POLL_S = 0.004
_HEALED_AFTER = 300
"""Frames. A stream without key frames renews its picture bit by bit."""
_NO_TIMES = 0x0080 | 0x0100
"""AVFMT_NOTIMESTAMPS and AVFMT_GENERIC_INDEX: formats of bare pictures, whose times libav makes up."""
_NO_SEEK = _NO_TIMES | 0x0200
"""The same and AVFMT_TS_DISCONT: formats whose times after a seek are guesses."""


@dataclass(frozen=True, slots=True)
class Input:
    """What to open with libav, and how."""

    url: str = field(repr=False)
    """May hold a secret."""
    label: str
    """What to call it in front of people."""
    live: bool = False
    """Frames come when they come, and an end is a loss."""
    format: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    open_timeout_s: float = 3.0
    read_timeout_s: float = 2.0


class Decoder:
    """An open input: its best video stream, decoded on the calling thread.

    Every frame of an H.264 stream has to be decoded, but nothing here converts a pixel.
    """

    def __init__(self, source: Input) -> None:
        self._source = source
        self.live = source.live
        self._container = _connect(source)
        try:
            self.stream = _video_stream(self._container, source.label)
        except SourceError:
            self._container.close()
            raise
        if self.live and source.url.startswith("http") and self._container.duration is not None:
            self.live = False  # a file that happens to lie on a web server
        self._packets: Iterator[Packet[VideoStream]] = self._container.demux(self.stream)
        self._ready: deque[VideoFrame] = deque()
        self._decoded = False
        self._waiting_since: float | None = None
        self.corrupt = 0
        """Frames found corrupt so far: left out of what `next_frame` gives."""
        self.damaged = False
        """Whether the latest frame builds on a corrupt one, and may be smeared: no sound key frame came since."""
        self._sound = 0

    @property
    def interval_s(self) -> float:
        """The nominal time between frames; a guess where the stream does not say."""
        rate = self.stream.average_rate or self.stream.guessed_rate
        return 0.04 if not rate or rate > 1000 else float(1 / rate)

    @property
    def has_times(self) -> bool:
        """Whether the format carries times at all."""
        return not self._container.format.flags & _NO_TIMES

    @property
    def guesses_times(self) -> bool:
        """Whether the PTS are libav's guesses: AVI stores none, and with B-frames the guesses are wrong."""
        return self._container.format.name == "avi" and bool(self.stream.codec_context.has_b_frames)

    @property
    def duration_s(self) -> float | None:
        """Length of a file, where known."""
        if self.stream.duration is not None and self.stream.time_base is not None:
            return float(self.stream.duration * self.stream.time_base)
        return None if self._container.duration is None else self._container.duration / av.time_base

    def describe(self, frame: VideoFrame) -> Stream:
        """What the video is at a frame, which may change on the way."""
        return Stream(frame.width, frame.height, self.stream.codec_context.name, self.live)

    @property
    def pixel_aspect(self) -> Fraction | None:
        """Width of a pixel over its height; None when unknown."""
        return self.stream.sample_aspect_ratio or None

    def next_frame(self, until: float | None = None) -> VideoFrame | None:
        """The next sound frame; None at the end of a file.

        Raises SourceLost when a live source stalls or ends, NotYet when the monotonic clock passes `until`.
        """
        if self._waiting_since is None:
            self._waiting_since = time.monotonic()
        while not self._ready:
            if not self._receive():
                return None
            if self.live and not self._ready:
                self._check_patience(until)
        self._decoded, self._waiting_since = True, None
        return self._ready.popleft()

    def _check_patience(self, until: float | None) -> None:
        assert self._waiting_since is not None
        now, limit_s = time.monotonic(), self._limit_s
        if now > self._waiting_since + limit_s:
            raise SourceStalled(f"{self._source.label}: connected, but no sound picture for {limit_s:g} s")
        if until is not None and now > until:
            raise NotYet

    @property
    def _limit_s(self) -> float:
        timeout_s = self._source.read_timeout_s
        return timeout_s if self._decoded else max(FIRST_PICTURE_S, timeout_s)

    def seek(self, time_s: float) -> bool:
        """Go to a key frame at or before this time; False when the format cannot be trusted to find one."""
        start, base = self.stream.start_time, self.stream.time_base
        if self._container.format.flags & _NO_SEEK or self.guesses_times or start is None or base is None:
            return False
        ticks = int(Fraction(time_s) / base) + start
        try:
            self._container.seek(ticks, stream=self.stream)
        except av.error.FFmpegError:
            return False
        self._packets = self._container.demux(self.stream)
        return True

    def put_back(self, frame: VideoFrame) -> None:
        """Let `next_frame` give this frame again."""
        self._ready.appendleft(frame)

    def close(self) -> None:
        """Close the connection or the file."""
        self._ready.clear()
        self._container.close()

    def _receive(self) -> bool:
        """Read a packet and decode it, if there is one yet; False at the end."""
        label, timeout_s = self._source.label, self._source.read_timeout_s
        asked = time.monotonic()
        try:
            packet = next(self._packets)
            if self.live and self._decoded and time.monotonic() - asked >= timeout_s:
                # What libav has held back for the next packet, and lets go when none came in time.
                raise SourceStalled(f"{label}: no frame for {timeout_s:g} s: stalled")
            self._decode(packet)
        except StopIteration:
            if self.live:
                raise SourceLost(f"{label}: the stream ended or its connection was closed") from None
            return False
        except av.error.BlockingIOError:  # a device opened so that it never holds the thread
            time.sleep(_POLL_S)
            self._packets = self._container.demux(self.stream)
        except av.error.ExitError:
            if self._decoded or not self._source.url.startswith("rtsp"):
                raise SourceStalled(f"{label}: no frame for {timeout_s:g} s: stalled") from None
            self._packets = self._container.demux(self.stream)  # RTSP can be asked again after a time-out
        except av.error.FFmpegError as error:
            if self.live:
                raise SourceLost(f"{label}: connection lost: {_why(error)}") from None
            log.warning("%s: damaged from here on, taken as its end: %s", label, _why(error))
            return False
        return True

    def _decode(self, packet: Packet[VideoStream]) -> None:
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            self.corrupt += 1
            self.damaged = True
            return
        if packet.is_corrupt:
            self.damaged = True
        for frame in frames:
            if frame.is_corrupt:
                self.corrupt += 1
                self.damaged, self._sound = True, 0
            else:
                self._sound += 1
                self.damaged = self.damaged and not frame.key_frame and self._sound < _HEALED_AFTER
                self._ready.append(frame)


def _connect(source: Input) -> InputContainer:
    av.logging.set_level(None)  # libav's own lines name addresses with their passwords
    timeout = (source.open_timeout_s, source.read_timeout_s)
    began = time.monotonic()
    try:
        container = av.open(source.url, "r", format=source.format, options=dict(source.options), timeout=timeout)
    except av.error.FFmpegError as error:
        _refuse(source, error, timed_out=time.monotonic() - began >= source.open_timeout_s)
    if source.format == "v4l2":
        stop_blocking(Path(source.url))
    return container


def stop_blocking(device: Path) -> None:
    """Make this process's open files on a device return at once when they have nothing.

    libavdevice waits for a V4L2 frame in a system call that no time-out reaches, and has no option for it.
    """
    node = device.resolve()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the listing's own file is gone by now
            if entry.readlink() == node:
                os.set_blocking(int(entry.name), False)


def _video_stream(container: InputContainer, label: str) -> VideoStream:
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream):
        raise SourceRefused(f"{label}: no video in it; check that this is the right address or file")
    if stream.codec_context is None:
        raise SourceRefused(f"{label}: no decoder here for its video; convert it or set the camera to H.264")
    stream.codec_context.thread_count = 1  # one core a camera at most; threads would only add latency
    return stream


_REFUSALS: tuple[tuple[type[av.error.FFmpegError], str], ...] = (
    (av.error.HTTPUnauthorizedError, "user name or password refused (401); correct them in the address"),
    (av.error.HTTPForbiddenError, "access forbidden (403); check the account's rights on the camera"),
    (av.error.HTTPNotFoundError, "no such stream (404); check the path in the address"),
    (av.error.HTTPBadRequestError, "bad request (400); check the address"),
    (av.error.ProtocolNotFoundError, "unknown protocol; use rtsp, http or https"),
    (av.error.PermissionError, "permission denied; let Vigil's user read it"),
    (av.error.IsADirectoryError, "it is a folder; name a file"),
    (av.error.InvalidDataError, "not a video that can be read; check the file or the address"),
    (av.error.LookupError, "no reader here for this kind of input"),
)


def _refuse(source: Input, error: av.error.FFmpegError, *, timed_out: bool) -> NoReturn:
    label = source.label
    if timed_out or isinstance(error, av.error.ExitError):  # an RTSP time-out passes for invalid data
        raise SourceLost(f"{label}: no answer within {source.open_timeout_s:g} s; is it on and reachable?") from None
    if source.format == "v4l2" and isinstance(error, av.error.FileNotFoundError):
        raise SourceLost(f"{label}: no such device; is it plugged in?") from None
    if source.url.startswith("rtsp") and isinstance(error, av.error.InvalidDataError):
        raise SourceLost(f"{label}: its answer is not understood; is it an RTSP camera with video?") from None
    for kind, advice in _REFUSALS:
        if isinstance(error, kind):
            raise SourceRefused(f"{label}: {advice}") from None
    if source.live:
        raise SourceLost(f"{label}: cannot connect: {_why(error)}; is it on and reachable?") from None
    if isinstance(error, av.error.FileNotFoundError):
        raise SourceRefused(f"{label}: no such file; check the path") from None
    raise SourceRefused(f"{label}: cannot be read: {_why(error)}; check the file") from None


def _why(error: av.error.FFmpegError) -> str:
    if error.errno == errno.EIO:
        return "the other side hung up, or the host is unknown"
    return (error.strerror or type(error).__name__).lower()
