"""One stream of the camera server: a clip in a loop on one live timeline, that every client joins."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from dataclasses import dataclass
from typing import Protocol

from pipelines.simulation.faults import Faults, spoil
from pipelines.simulation.rtp import CLOCK_HZ, Clip, Picture, rtp_header, sender_report

_REPORT_S = 5.0


class Client(Protocol):
    """Where a feed's packets go."""

    def send_picture(self, packets: list[bytes], *, keyframe: bool) -> None:
        """Send the RTP packets of one picture, or what is left of them."""

    def send_report(self, packet: bytes) -> None:
        """Send an RTCP packet."""

    def drop(self, *, reset: bool) -> None:
        """Close the connection at once; with `reset` by RST."""


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


@dataclass(frozen=True, slots=True)
class Showing:
    """Which clip is sent, and the number of the picture that its first one stands for."""

    clip: Clip
    first: int = 0

    def picture(self, number: int) -> Picture:
        """The coded picture to send as the one of this number."""
        return self.clip.pictures[(number - self.first) % len(self.clip.pictures)]


class Feed:
    """Sends one clip to its clients. Lives on the server's event loop.

    The timeline goes on whether anyone listens or not, stalled or not, like that of a real camera, and whatever the
    look: pictures are counted over all rounds of the sound clip.
    """

    def __init__(self, name: str, clip: Clip) -> None:
        self.name, self.clip = name, clip
        self.timeline = Timeline(time.monotonic(), time.time(), clip)
        self.faults = Faults()
        self.source = secrets.randbits(32)
        self._showing, self._wanted = Showing(clip), Showing(clip)
        self._shown_since_s = time.monotonic()
        self._spoilt_since_s: float | None = None
        self._base_ticks, self._sequence = secrets.randbits(32), secrets.randbits(16)
        self._next = 0
        self._clients: set[Client] = set()
        self._chance = random.Random(name)  # noqa: S311 - the same faults each time
        self._flaps_from = 0.0
        self._octets = self._sent = 0

    @property
    def clients(self) -> int:
        """How many are being served."""
        return len(self._clients)

    @property
    def refusing(self) -> bool:
        """Whether new clients are turned away now."""
        return self.faults.refusing or self._away(time.monotonic())

    @property
    def shown(self) -> Clip:
        """The clip that is sent now."""
        return self._showing.clip

    @property
    def shown_since_s(self) -> float | None:
        """Since when the wanted clip is sent, on the monotonic clock; None while its key frame is yet to come."""
        return self._shown_since_s if self._showing is self._wanted else None

    @property
    def spoilt_since_s(self) -> float | None:
        """When the first packet was lost or garbled by its faults, on the monotonic clock; None: none was yet."""
        return self._spoilt_since_s

    def join(self, client: Client) -> None:
        """Serve a client from now on."""
        self._clients.add(client)

    def leave(self, client: Client) -> None:
        """Serve a client no longer."""
        self._clients.discard(client)

    def drop(self, *, reset: bool = False) -> None:
        """Close the connections of all clients, with `reset` as a machine does that has lost its memory of them."""
        for client in tuple(self._clients):
            client.drop(reset=reset)
        self._clients.clear()

    def take(self, faults: Faults, showing: Showing | None) -> None:
        """Behave so from now on; another look begins with its first key frame from then on."""
        if faults.flap_s != self.faults.flap_s:
            self._flaps_from = time.monotonic()
        self.faults, self._spoilt_since_s = faults, None
        if showing is not None:
            self._wanted = showing

    def jump(self, seconds: float) -> None:
        """Set the clock of the stream forward, or back."""
        self._base_ticks = (self._base_ticks + round(seconds * CLOCK_HZ)) & 0xFFFFFFFF

    def wrap(self, in_s: float) -> None:
        """Set the clock of the stream so that its 32 bits overflow so soon."""
        now = self._timestamp(self.number_at(time.monotonic()))
        self._base_ticks = (self._base_ticks - now - round(in_s * CLOCK_HZ)) & 0xFFFFFFFF

    def next_key(self) -> tuple[int, int]:
        """Sequence number and timestamp of the next key frame, for the RTP-Info header."""
        number, sequence = self._next, self._sequence
        while not (picture := self._showing.picture(number)).keyframe:
            sequence += len(picture.payloads)
            number += 1
        return sequence & 0xFFFF, self._timestamp(number)

    def number_at(self, monotonic_s: float) -> int:
        """Number of the picture sent last at a time, counted over all rounds."""
        position = self.timeline.position(monotonic_s)
        return position.rounds * len(self.clip.pictures) + position.index

    async def run(self) -> None:
        """Send picture after picture, each when it is due, until cancelled."""
        self._next = self.number_at(time.monotonic()) + 1
        report_due = 0.0
        while True:
            due = self._due(self._next)
            delay = due - time.monotonic()
            if delay > 0:
                await asyncio.sleep(delay)
            elif delay < -1.0:
                self._skip_to(self.number_at(time.monotonic()) + 1)
                continue
            if self._away(due):
                self.drop()
            elif self._clients and not self.faults.stalled and due >= report_due:
                report_due = due + _REPORT_S
                self._report(self._next)
            self._send(self._next)
            self._next += 1
            if delay <= 0:
                await asyncio.sleep(0)

    def _skip_to(self, number: int) -> None:
        """Leave out what is long overdue; its packets are missing for the clients."""
        for left_out in range(self._next, number):
            self._sequence += len(self._showing.picture(left_out).payloads)
        self._next = number

    def _send(self, number: int) -> None:
        """Send a picture to whom it may concern; the numbers of its packets are used up in any case."""
        if self._wanted is not self._showing and number >= self._wanted.first and self._wanted.picture(number).keyframe:
            self._showing, self._shown_since_s = self._wanted, time.monotonic()
        picture = self._showing.picture(number)
        packets = self._packets(picture, self._timestamp(number))
        if not self._clients or self.faults.stalled or not packets:
            return
        self._sent += len(packets)
        self._octets += sum(len(payload) for payload in picture.payloads)
        arriving = spoil(packets, self.faults, self._chance)
        if self._spoilt_since_s is None and arriving != packets:
            self._spoilt_since_s = time.monotonic()
        for client in tuple(self._clients):
            client.send_picture(arriving, keyframe=picture.keyframe)

    def _packets(self, picture: Picture, timestamp: int) -> list[bytes]:
        """The RTP packets of a picture: the same bytes for every client."""
        sequence, last = self._sequence, len(picture.payloads) - 1
        self._sequence = (sequence + len(picture.payloads)) & 0xFFFF
        return [
            rtp_header(sequence + i, timestamp, self.source, last=i == last) + payload
            for i, payload in enumerate(picture.payloads)
        ]

    def _report(self, number: int) -> None:
        packet = sender_report(self.source, time.time(), self._timestamp(number), self._sent, self._octets)
        for client in tuple(self._clients):
            client.send_report(packet)

    def _away(self, monotonic_s: float) -> bool:
        flap_s = self.faults.flap_s
        return flap_s is not None and (monotonic_s - self._flaps_from) // flap_s % 2 == 1

    def _due(self, number: int) -> float:
        return self.timeline.began_monotonic_s + self._ticks(number) / CLOCK_HZ

    def _ticks(self, number: int) -> int:
        rounds, index = divmod(number, len(self.clip.pictures))
        return rounds * self.clip.duration_ticks + self.clip.pictures[index].ticks

    def _timestamp(self, number: int) -> int:
        return (self._base_ticks + self._ticks(number)) & 0xFFFFFFFF
