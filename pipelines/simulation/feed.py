"""One stream of the camera server: a clip in a loop on one live timeline, that every client joins."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass
from typing import Protocol

from pipelines.simulation.rtp import CLOCK_HZ, Clip, Picture, rtp_header, sender_report

_REPORT_S = 5.0


class Client(Protocol):
    """Where a feed's packets go."""

    def send_picture(self, packets: list[bytes], *, keyframe: bool) -> None:
        """Send the RTP packets of one picture."""

    def send_report(self, packet: bytes) -> None:
        """Send an RTCP packet."""

    def drop(self) -> None:
        """Close the connection at once."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a stream is in its clip."""

    rounds: int
    """Whole rounds of the loop so far."""
    index: int
    """Frame of the file that is being sent."""
    clip_s: float
    """Seconds since the start of the round."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """When a stream began and what it repeats: enough to tell the frame of the clip at any time."""

    began_monotonic_s: float
    began_wall_s: float
    clip: Clip

    def position(self, monotonic_s: float) -> Position:
        """The picture sent last at a time of the monotonic clock."""
        rounds, clip_s = divmod(max(0.0, monotonic_s - self.began_monotonic_s), self.clip.duration_s)
        return Position(int(rounds), self.clip.index_at(clip_s), clip_s)

    def position_at_wall(self, wall_s: float) -> Position:
        """The same for a Unix time, as alerts carry it, while the wall clock has not been set."""
        return self.position(wall_s - self.began_wall_s + self.began_monotonic_s)


class Feed:
    """Sends one clip to its clients. Lives on the server's event loop.

    The timeline goes on whether anyone listens or not, stalled or not, like that of a real camera.
    """

    def __init__(self, name: str, clip: Clip) -> None:
        self.name, self.clip = name, clip
        self.timeline = Timeline(time.monotonic(), time.time(), clip)
        self.stalled = False
        self.refusing = False
        self.source = secrets.randbits(32)
        self._base_ticks, self._base_sequence = secrets.randbits(32), secrets.randbits(16)
        self._clients: set[Client] = set()
        self._octets = 0

    @property
    def clients(self) -> int:
        """How many are being served."""
        return len(self._clients)

    def join(self, client: Client) -> None:
        """Serve a client from now on."""
        self._clients.add(client)

    def leave(self, client: Client) -> None:
        """Serve a client no longer."""
        self._clients.discard(client)

    def drop(self) -> None:
        """Close the connections of all clients."""
        for client in tuple(self._clients):
            client.drop()
        self._clients.clear()

    def next_key(self) -> tuple[int, int]:
        """Sequence number and timestamp of the next key frame, for the RTP-Info header."""
        number = self._number(time.monotonic()) + 1
        while not self._picture(number).keyframe:
            number += 1
        return self._sequence(number), self._timestamp(number)

    async def run(self) -> None:
        """Send picture after picture, each when it is due, until cancelled."""
        number = self._number(time.monotonic()) + 1
        report_due = 0.0
        while True:
            due = self._due(number)
            delay = due - time.monotonic()
            if delay > 0:
                await asyncio.sleep(delay)
            elif delay < -1.0:
                number = self._number(time.monotonic()) + 1
                continue
            if self._clients and not self.stalled:
                if due >= report_due:
                    report_due = due + _REPORT_S
                    self._report(number)
                self._send(number)
            number += 1
            if delay <= 0:
                await asyncio.sleep(0)

    def _send(self, number: int) -> None:
        picture = self._picture(number)
        packets = self._packets(number)
        self._octets += sum(len(payload) for payload in picture.payloads)
        for client in tuple(self._clients):
            client.send_picture(packets, keyframe=picture.keyframe)

    def _packets(self, number: int) -> list[bytes]:
        """The RTP packets of a picture: the same bytes for every client."""
        picture = self._picture(number)
        sequence, timestamp, last = self._sequence(number), self._timestamp(number), len(picture.payloads) - 1
        return [
            rtp_header(sequence + i, timestamp, self.source, last=i == last) + payload
            for i, payload in enumerate(picture.payloads)
        ]

    def _report(self, number: int) -> None:
        packet = sender_report(
            self.source,
            time.time(),
            self._timestamp(number),
            self._sequence(number) - self._base_sequence,
            self._octets,
        )
        for client in tuple(self._clients):
            client.send_report(packet)

    def _picture(self, number: int) -> Picture:
        return self.clip.pictures[number % len(self.clip.pictures)]

    def _number(self, monotonic_s: float) -> int:
        """Number of the picture sent last, counted over all rounds."""
        position = self.timeline.position(monotonic_s)
        return position.rounds * len(self.clip.pictures) + position.index

    def _due(self, number: int) -> float:
        return self.timeline.began_monotonic_s + self._ticks(number) / CLOCK_HZ

    def _ticks(self, number: int) -> int:
        rounds, index = divmod(number, len(self.clip.pictures))
        return rounds * self.clip.duration_ticks + self.clip.pictures[index].ticks

    def _timestamp(self, number: int) -> int:
        return (self._base_ticks + self._ticks(number)) & 0xFFFFFFFF

    def _sequence(self, number: int) -> int:
        rounds, index = divmod(number, len(self.clip.pictures))
        before = self.clip.packets_before
        return (self._base_sequence + rounds * before[-1] + before[index]) & 0xFFFF
