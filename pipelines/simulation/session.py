"""One RTSP 1.0 connection (RFC 2326): requests in, answers and media out."""

from __future__ import annotations

import asyncio
import logging
import secrets
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pipelines.simulation.digest import Digest
from pipelines.simulation.feed import Feed
from pipelines.simulation.link import Link
from pipelines.simulation.rtp import PAYLOAD_TYPE

_LOG = logging.getLogger("vigil.simulation.rtsp")
_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER"
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    501: "Not Implemented",
    503: "Service Unavailable",
}
_LARGEST_REQUEST = 65_536


@dataclass(frozen=True, slots=True)
class Request:
    """A parsed request."""

    method: str
    url: str
    headers: Mapping[str, str]

    @property
    def stream(self) -> str:
        """The name of the stream: the first part of the path."""
        return urlsplit(self.url).path.strip("/").split("/")[0]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""

    def encode(self, sequence: str) -> bytes:
        """The bytes to send."""
        lines = [f"RTSP/1.0 {self.status} {_REASONS[self.status]}", f"CSeq: {sequence}", "Server: vigil-simulation"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body:
            lines.append(f"Content-Length: {len(self.body.encode())}")
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()


class Session:
    """Serves one connection; a client of the feed that it plays."""

    def __init__(
        self,
        feeds: Mapping[str, Feed],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        udp: tuple[asyncio.DatagramTransport, asyncio.DatagramTransport],
    ) -> None:
        self._feeds, self._reader, self._writer, self._udp = feeds, reader, writer, udp
        self._link, self._digest = Link(writer), Digest()
        self._id = secrets.token_hex(8)
        self._feed: Feed | None = None
        self._channels: tuple[int, int] | None = None
        self._ports: tuple[int, int] | None = None
        self._awaits_key = True
        self._handlers: dict[str, Callable[[Request], Reply]] = {
            "OPTIONS": lambda _: Reply(200, {"Public": _METHODS}),
            "DESCRIBE": self._describe,
            "SETUP": self._setup,
            "PLAY": self._play,
            "PAUSE": self._pause,
            "TEARDOWN": self._teardown,
            "GET_PARAMETER": lambda _: Reply(200, {"Session": self._id}),
            "SET_PARAMETER": lambda _: Reply(200, {"Session": self._id}),
        }

    async def run(self) -> None:
        """Answer until the client leaves or is dropped."""
        try:
            while (request := await self._read_request()) is not None:
                feed = self._feeds.get(request.stream)
                if feed is not None and feed.faults.mute:
                    continue
                reply = self._answer(request)
                self._link.send(reply.encode(request.headers.get("cseq", "0")), self._rate)
                await self._writer.drain()
                if request.method == "TEARDOWN" or reply.status == 503:
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            _LOG.debug("client left: %s", error)
        finally:
            self._stop()
            self._writer.close()

    def send_picture(self, packets: list[bytes], *, keyframe: bool) -> None:
        """Send the packets of one picture, from the first key frame on; what the link cannot take is left out."""
        if self._awaits_key and not keyframe:
            packets = []
        elif self._channels is not None and self._link.full:
            packets, self._awaits_key = [], True
        else:
            self._awaits_key = False
        if self._ports is not None:
            for packet in packets:
                self._udp[0].sendto(packet, (self._peer(), self._ports[0]))
        elif self._channels is not None:
            self._link.send(b"".join(_framed(self._channels[0], packet) for packet in packets), self._rate)

    def send_report(self, packet: bytes) -> None:
        """Send an RTCP packet."""
        if self._ports is not None:
            self._udp[1].sendto(packet, (self._peer(), self._ports[1]))
        elif self._channels is not None:
            self._link.send(_framed(self._channels[1], packet), self._rate)

    def drop(self, *, reset: bool) -> None:
        """Close the connection without a word; with `reset` by RST."""
        self._link.cut(reset=reset)

    @property
    def _rate(self) -> int | None:
        return None if self._feed is None else self._feed.faults.link_bytes_s

    def _peer(self) -> str:
        return str(self._writer.get_extra_info("peername")[0])

    async def _read_request(self) -> Request | None:
        """The next request; packets that the client sends on the same connection are skipped."""
        while True:
            first = await self._reader.read(1)
            if not first:
                return None
            if first == b"$":
                _, size = struct.unpack(">BH", await self._reader.readexactly(3))
                await self._reader.readexactly(size)
            elif first not in b"\r\n":
                break
        text = (first + await self._reader.readuntil(b"\r\n\r\n")).decode("utf-8", "replace")
        lines = text.split("\r\n")
        method, url, *_ = [*lines[0].split(" "), ""]
        headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:]) if v}
        length = int(headers.get("content-length", "0"))
        if not 0 <= length <= _LARGEST_REQUEST:
            raise ValueError("the request is too large")
        await self._reader.readexactly(length)
        return Request(method, url, headers)

    def _answer(self, request: Request) -> Reply:
        handler = self._handlers.get(request.method)
        if handler is None:
            return Reply(501)
        feed = self._feeds.get(request.stream)
        account = None if feed is None or request.method == "OPTIONS" else feed.faults.account
        given = request.headers.get("authorization", "")
        if account is not None and not self._digest.admits(request.method, given, account):
            return Reply(401, {"WWW-Authenticate": self._digest.challenge})
        return handler(request)

    def _find(self, request: Request) -> Feed | Reply:
        feed = self._feeds.get(request.stream)
        if feed is None:
            return Reply(404)
        return Reply(503) if feed.refusing else feed

    def _describe(self, request: Request) -> Reply:
        feed = self._find(request)
        if isinstance(feed, Reply):
            return feed
        base = request.url.rstrip("/") + "/"
        return Reply(200, {"Content-Base": base, "Content-Type": "application/sdp"}, describe(feed))

    def _setup(self, request: Request) -> Reply:
        feed = self._find(request)
        if isinstance(feed, Reply):
            return feed
        for offer in request.headers.get("transport", "").split(","):
            agreed = self._agree(offer)
            if agreed is not None:
                self._feed = feed
                return Reply(
                    200, {"Transport": f"{agreed};ssrc={feed.source:08X}", "Session": f"{self._id};timeout=60"}
                )
        return Reply(461)

    def _agree(self, offer: str) -> str | None:
        """Take up an offered transport; the answer to it, or None if it is none of ours."""
        kind, *rest = [part.strip() for part in offer.split(";")]
        options = dict(part.partition("=")[::2] for part in rest)
        if "multicast" in options:
            return None
        if kind == "RTP/AVP/TCP":
            first, second = _pair(options.get("interleaved", "0-1"))
            self._channels, self._ports = (first, second), None
            return f"{kind};unicast;interleaved={first}-{second}"
        if kind in {"RTP/AVP", "RTP/AVP/UDP"} and "client_port" in options:
            self._ports, self._channels = _pair(options["client_port"]), None
            own = "-".join(str(end.get_extra_info("sockname")[1]) for end in self._udp)
            return f"{kind};unicast;client_port={self._ports[0]}-{self._ports[1]};server_port={own}"
        return None

    def _play(self, request: Request) -> Reply:
        if self._feed is None:
            return Reply(455)
        sequence, timestamp = self._feed.next_key()
        self._awaits_key = True
        self._feed.join(self)
        track = request.url.rstrip("/")
        track = track if track.endswith("/trackID=0") else f"{track}/trackID=0"
        info = f"url={track};seq={sequence};rtptime={timestamp}"
        return Reply(200, {"Session": self._id, "Range": "npt=now-", "RTP-Info": info})

    def _pause(self, request: Request) -> Reply:
        _ = request
        self._stop()
        return Reply(200, {"Session": self._id})

    def _teardown(self, request: Request) -> Reply:
        return self._pause(request)

    def _stop(self) -> None:
        if self._feed is not None:
            self._feed.leave(self)


def describe(feed: Feed) -> str:
    """A feed in the session description protocol (RFC 8866)."""
    lines = (
        "v=0",
        f"o=- {feed.source} 1 IN IP4 127.0.0.1",
        f"s={feed.name}",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
        f"a=rtpmap:{PAYLOAD_TYPE} H264/90000",
        f"a=fmtp:{PAYLOAD_TYPE} {feed.shown.format_line()}",
        f"a=framerate:{feed.shown.fps:.3f}",
        "a=control:trackID=0",
    )
    return "\r\n".join(lines) + "\r\n"


def _framed(channel: int, packet: bytes) -> bytes:
    """A packet as it goes between requests and answers (RFC 2326, section 10.12)."""
    return struct.pack(">BBH", 36, channel, len(packet)) + packet


def _pair(text: str) -> tuple[int, int]:
    first, _, second = text.partition("-")
    return int(first), int(second) if second else int(first) + 1
