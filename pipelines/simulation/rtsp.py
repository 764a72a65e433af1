"""A stand-in for IP cameras: serves H.264 files in a loop over RTSP, and fails on command.

In this process::

    with RtspServer({"front": Path("front.mp4")}) as server:
        av.open(server.url("front"))
        server.fault("front", Faults(look="blurred", lost=0.01))

or as a process of its own: ``python -m pipelines.simulation.rtsp --port 8554 front=front.mp4``. That prints one line
of JSON when it is ready, then obeys lines such as ``stall front`` on its standard input, until ``quit`` or the end of
the input: see `pipelines.simulation.control`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import msgspec

from pipelines.errors import SourceError
from pipelines.simulation.control import announcement, obey
from pipelines.simulation.faults import Faults, Look
from pipelines.simulation.feed import Feed, Position, Timeline
from pipelines.simulation.looks import Wardrobe
from pipelines.simulation.rtp import load_clip
from pipelines.simulation.session import Session

_WAIT_S = 10.0


class RtspServer:
    """Serves clips under ``rtsp://HOST:PORT/NAME``, each on one live timeline that all its clients share.

    `start` and `stop` may be repeated: the port and the timelines stay. All methods may be called by any thread.
    """

    def __init__(self, streams: Mapping[str, Path], host: str = "127.0.0.1", port: int = 0) -> None:
        """Read the clips; port 0 takes a free one at the first start.

        Raises:
            SourceRefused: A clip cannot be read, or is not H.264.
        """
        clips = {path: load_clip(path) for path in set(streams.values())}
        self._feeds = {name: Feed(name, clips[path]) for name, path in streams.items()}
        self._wardrobe = Wardrobe(clips)
        self._paths = dict(streams)
        self._host, self._port = host, port
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failures: list[OSError] = []

    def start(self) -> None:
        """Listen and serve, in a thread of its own.

        Raises:
            SourceError: The port is taken.
        """
        if self._thread is not None:
            return
        self._ready.clear()
        self._failures.clear()
        self._thread = threading.Thread(target=self._run, name="rtsp-server")
        self._thread.start()
        self._ready.wait(_WAIT_S)
        for failure in self._failures:
            self._thread.join()
            self._thread = None
            raise SourceError(f"cannot serve on {self._host}:{self._port}: {failure}") from failure

    def stop(self) -> None:
        """Close every connection and the port; may be called when stopped."""
        if self._thread is None or self._loop is None or self._stopping is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._thread = None

    def __enter__(self) -> RtspServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port; 0 before the first start if it was to be chosen."""
        return self._port

    @property
    def names(self) -> tuple[str, ...]:
        """The streams."""
        return tuple(self._feeds)

    def url(self, name: str) -> str:
        """Where to play a stream."""
        return f"rtsp://{self._host}:{self._port}/{self._feed(name).name}"

    def timeline(self, name: str) -> Timeline:
        """When a stream began, and which frame of its clip it shows at any time."""
        return self._feed(name).timeline

    def position(self, name: str) -> Position:
        """Where a stream is in its clip now."""
        return self.timeline(name).position(time.monotonic())

    def clients(self, name: str) -> int:
        """How many clients a stream is being sent to."""
        return self._feed(name).clients

    def shown_since_s(self, name: str) -> float | None:
        """Since when a camera has the look it was given, on the monotonic clock; None until its first key frame."""
        return self._feed(name).shown_since_s

    def spoilt_since_s(self, name: str) -> float | None:
        """When the first packet of the camera was lost or garbled by its faults; None: none was yet."""
        return self._feed(name).spoilt_since_s

    def faults(self, name: str) -> Faults:
        """What is wrong with a camera now."""
        return self._feed(name).faults

    def fault(self, name: str, faults: Faults) -> None:
        """Have this wrong with a camera from now on, and nothing else; returns once it holds.

        A look begins at the next key frame. The first time it is coded, which takes about a second for ten of the
        clip at 640x360, unless `prepare` has done so.

        Raises:
            SourceError: The look cannot be coded.
        """
        feed = self._feed(name)
        changes = faults.look != feed.faults.look
        showing = self._wardrobe.showing(self._paths[name], faults.look, feed.number_at) if changes else None
        self._do(lambda: feed.take(faults, showing))

    def prepare(self, name: str, *looks: Look) -> None:
        """Code looks beforehand, beside the clip.

        Raises:
            SourceError: One cannot be coded.
        """
        self._feed(name)
        for look in looks:
            self._wardrobe.prepare(self._paths[name], look)

    def restore(self, name: str) -> None:
        """Nothing is wrong any more."""
        self.fault(name, Faults())

    def stall(self, name: str) -> None:
        """Send nothing more, but keep the connections and answer requests."""
        self.fault(name, msgspec.structs.replace(self.faults(name), stalled=True))

    def refuse(self, name: str) -> None:
        """Answer every new client of a stream with 503."""
        self.fault(name, msgspec.structs.replace(self.faults(name), refusing=True))

    def drop(self, name: str) -> None:
        """Close the connections of a stream; new ones are served."""
        self._do(self._feed(name).drop)

    def reset(self, name: str) -> None:
        """The same by RST, as a camera does that was switched off and on."""
        feed = self._feed(name)
        self._do(lambda: feed.drop(reset=True))

    def jump(self, name: str, seconds: float) -> None:
        """Set the timestamps of a stream forward, or back."""
        feed = self._feed(name)
        self._do(lambda: feed.jump(seconds))

    def wrap(self, name: str, in_s: float = 0.0) -> None:
        """Have the 32 bits of a stream's timestamps overflow so soon; whoever listens already sees a jump first."""
        feed = self._feed(name)
        self._do(lambda: feed.wrap(in_s))

    def _feed(self, name: str) -> Feed:
        if name not in self._feeds:
            raise KeyError(f"no stream {name!r}: there are {', '.join(self._feeds)}")
        return self._feeds[name]

    def _do(self, action: Callable[[], None]) -> None:
        """Act on the event loop, and wait until it is done; at once when nothing runs."""
        if self._thread is None or self._loop is None:
            action()
            return

        async def act() -> None:
            action()

        asyncio.run_coroutine_threadsafe(act(), self._loop).result(_WAIT_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._failures.append(error)
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        async with _udp_pair(self._host) as udp:
            connections: set[asyncio.Task[None]] = set()

            def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = asyncio.ensure_future(Session(self._feeds, reader, writer, udp).run())
                connections.add(task)
                task.add_done_callback(connections.discard)

            server = await asyncio.start_server(accept, self._host, self._port, reuse_address=True)
            self._port = server.sockets[0].getsockname()[1]
            feeding = [asyncio.ensure_future(feed.run()) for feed in self._feeds.values()]
            self._ready.set()
            await self._stopping.wait()
            server.close()
            for feed in self._feeds.values():
                feed.drop()
            await _cancel([*feeding, *connections])


async def _cancel(tasks: Sequence[asyncio.Future[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def _udp_pair(host: str) -> AsyncIterator[tuple[asyncio.DatagramTransport, asyncio.DatagramTransport]]:
    """Sockets for RTP and RTCP over UDP, shared by all clients."""
    loop = asyncio.get_running_loop()
    ends = []
    for _ in range(2):
        transport, _protocol = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, (host, 0))
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_000_000)
        ends.append(transport)
    try:
        yield ends[0], ends[1]
    finally:
        for end in ends:
            end.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve as a process of its own; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.simulation.rtsp", description="Stand-in RTSP cameras.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8554)
    parser.add_argument("streams", nargs="+", metavar="NAME=FILE")
    options = parser.parse_args(arguments)
    streams = {name: Path(file) for name, _, file in (text.partition("=") for text in options.streams)}
    try:
        with RtspServer(streams, options.host, options.port) as server:
            _say(json.dumps(announcement(server)))
            obey(server, sys.stdin, _say)
    except SourceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
