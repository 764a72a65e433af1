"""H.264 over RTP (RFC 6184): a clip read once, cut into payloads once, sent many times."""

from __future__ import annotations

import base64
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av

from pipelines.errors import SourceRefused

CLOCK_HZ = 90_000
"""Ticks of an RTP timestamp of video."""
PAYLOAD_TYPE = 96
_PAYLOAD_BYTES = 1388
"""Largest payload: with all headers it stays under an Ethernet frame."""
_SPS, _PPS, _AUD, _FU_A = 7, 8, 9, 28


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One coded frame."""

    ticks: int
    """When in the clip it is shown."""
    keyframe: bool
    payloads: tuple[bytes, ...]
    """RTP payloads: whole NAL units, or FU-A fragments of one."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """An H.264 file, ready to be sent over and over."""

    pictures: tuple[Picture, ...]
    ticks: tuple[int, ...]
    """When each picture is shown."""
    duration_ticks: int
    """From the start of one round to the start of the next."""
    width: int
    height: int
    sps: bytes
    pps: bytes

    @property
    def duration_s(self) -> float:
        """Seconds of one round."""
        return self.duration_ticks / CLOCK_HZ

    @property
    def fps(self) -> float:
        """Mean frames a second."""
        return len(self.pictures) / self.duration_s

    @property
    def key_interval_s(self) -> float:
        """From the first key frame to the second; the whole clip when there is one only."""
        keys = [picture.ticks for picture in self.pictures if picture.keyframe]
        return ((keys[1] - keys[0]) if len(keys) > 1 else self.duration_ticks) / CLOCK_HZ

    def index_at(self, clip_s: float) -> int:
        """The picture shown at a time in the clip, 0 <= clip_s < duration_s."""
        return max(0, bisect_right(self.ticks, round(clip_s * CLOCK_HZ)) - 1)

    def format_line(self) -> str:
        """The parameters of the format for SDP (RFC 6184, section 8.1)."""
        sets = ",".join(base64.b64encode(unit).decode() for unit in (self.sps, self.pps))
        return f"packetization-mode=1;profile-level-id={self.sps[1:4].hex().upper()};sprop-parameter-sets={sets}"


def load_clip(path: Path) -> Clip:
    """Read an H.264 file of any container that FFmpeg knows.

    Raises:
        SourceRefused: It is not there, or holds no H.264 video.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.video or container.streams.video[0].codec_context.name != "h264":
                raise SourceRefused(f"{path} holds no H.264 video: encode it with libx264 first")
            stream = container.streams.video[0]
            extradata = bytes(stream.codec_context.extradata or b"")
            prefixed = extradata[:1] == b"\x01"
            header = list(_avcc_units(extradata) if prefixed else _annex_b_units(extradata))
            width, height = stream.codec_context.width, stream.codec_context.height
            coded = [_Coded(*entry) for entry in _packets(container, stream, prefixed=prefixed)]
    except (OSError, av.FFmpegError) as error:
        raise SourceRefused(f"{path} cannot be read as video: {error}") from error
    return _clip(path, coded, header, (width, height))


@dataclass(frozen=True, slots=True)
class _Coded:
    ticks: int
    length: int
    keyframe: bool
    units: tuple[bytes, ...]


def _packets(
    container: av.container.InputContainer, stream: av.VideoStream, *, prefixed: bool
) -> Iterator[tuple[int, int, bool, tuple[bytes, ...]]]:
    for packet in container.demux(stream):
        if packet.pts is None or packet.size == 0 or packet.time_base is None:
            continue
        ticks = round(packet.pts * packet.time_base * CLOCK_HZ)
        length = round((packet.duration or 0) * packet.time_base * CLOCK_HZ)
        data = bytes(packet)
        units = tuple(_prefixed_units(data) if prefixed else _annex_b_units(data))
        yield ticks, length, bool(packet.is_keyframe), units


def _clip(path: Path, coded: list[_Coded], header: list[bytes], size: tuple[int, int]) -> Clip:
    known = [*header, *(unit for picture in coded for unit in picture.units)]
    sps = next((unit for unit in known if unit[0] & 31 == _SPS), None)
    pps = next((unit for unit in known if unit[0] & 31 == _PPS), None)
    if not coded or sps is None or pps is None:
        raise SourceRefused(f"{path} holds no complete H.264 stream")
    first = coded[0].ticks
    step = coded[-1].length or (coded[-1].ticks - first) // max(1, len(coded) - 1)
    pictures = tuple(Picture(one.ticks - first, one.keyframe, _payloads(one, sps, pps)) for one in coded)
    ticks = tuple(picture.ticks for picture in pictures)
    return Clip(pictures, ticks, coded[-1].ticks - first + step, *size, sps, pps)


def _payloads(coded: _Coded, sps: bytes, pps: bytes) -> tuple[bytes, ...]:
    """A picture's payloads; a key frame brings its parameter sets along, so that anyone can start there."""
    pictures = [unit for unit in coded.units if unit[0] & 31 not in {_SPS, _PPS, _AUD}]
    units = [sps, pps, *pictures] if coded.keyframe else pictures
    return tuple(payload for unit in units for payload in _fragments(unit))


def _fragments(unit: bytes) -> Iterator[bytes]:
    """A NAL unit whole, or in fragmentation units (RFC 6184, section 5.8)."""
    if len(unit) <= _PAYLOAD_BYTES:
        yield unit
        return
    indicator, kind = (unit[0] & 0xE0) | _FU_A, unit[0] & 31
    step = _PAYLOAD_BYTES - 2
    for start in range(1, len(unit), step):
        begins, ends = start == 1, start + step >= len(unit)
        yield bytes((indicator, (begins << 7) | (ends << 6) | kind)) + unit[start : start + step]


def _prefixed_units(data: bytes) -> Iterator[bytes]:
    """NAL units that are each preceded by their length in four bytes, as in MP4."""
    at = 0
    while at + 4 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        if size:
            yield data[at + 4 : at + 4 + size]
        at += 4 + size


def _avcc_units(data: bytes) -> Iterator[bytes]:
    """Parameter sets of an AVCDecoderConfigurationRecord (ISO 14496-15)."""
    at = 5
    for mask in (0x1F, 0xFF):
        count = data[at] & mask
        at += 1
        for _ in range(count):
            (size,) = struct.unpack_from(">H", data, at)
            yield data[at + 2 : at + 2 + size]
            at += 2 + size


def _annex_b_units(data: bytes) -> Iterator[bytes]:
    """NAL units that are separated by start codes."""
    for part in data.split(b"\x00\x00\x01")[1:]:
        unit = part.rstrip(b"\x00")
        if unit:
            yield unit


def rtp_header(sequence: int, timestamp: int, source: int, *, last: bool) -> bytes:
    """The fixed header of RFC 3550; `last` marks the end of a picture."""
    kind = PAYLOAD_TYPE | (0x80 if last else 0)
    return struct.pack(">BBHII", 0x80, kind, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, source)


def sender_report(source: int, wall_s: float, timestamp: int, packets: int, octets: int) -> bytes:
    """An RTCP sender report without report blocks (RFC 3550, section 6.4.1)."""
    seconds = int(wall_s)
    ntp = ((seconds + 2_208_988_800) << 32) | int((wall_s - seconds) * 2**32)
    body = (source, ntp, timestamp & 0xFFFFFFFF, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
    return struct.pack(">BBHIQIII", 0x80, 200, 6, *body)
