"""A stand-in for IP cameras: serves H.264 files in a loop over RTSP, and fails on command.

In this process::

    with RtspServer({"front": Path("front.mp4")}) as server:
        av.open(server.url("front"))

or as a process of its own: ``python -m pipelines.simulation.rtsp --port 8554 front=front.mp4``. That prints one line
of JSON when it is ready, then obeys lines such as ``stall front`` on its standard input, until ``quit`` or the end of
the input.
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
from typing import Any

from pipelines.errors import SourceError
from pipelines.simulation.feed import Feed, Position, Timeline
from pipelines.simulation.rtp import load_clip
from pipelines.simulation.session import Session

_COMMANDS = ("stall", "drop", "refuse", "restore")
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

    def stall(self, name: str) -> None:
        """Send nothing more, but keep the connections and answer requests."""
        feed = self._feed(name)
        self._do(lambda: setattr(feed, "stalled", True))

    def drop(self, name: str) -> None:
        """Close the connections of a stream; new ones are served."""
        self._do(self._feed(name).drop)

    def refuse(self, name: str) -> None:
        """Answer every new client of a stream with 503."""
        feed = self._feed(name)
        self._do(lambda: setattr(feed, "refusing", True))

    def restore(self, name: str) -> None:
        """End `stall` and `refuse`."""
        feed = self._feed(name)

        def mend() -> None:
            feed.stalled = feed.refusing = False

        self._do(mend)

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
            sys.stdout.write(json.dumps(_announcement(server)) + "\n")
            sys.stdout.flush()
            _obey(server)
    except SourceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _announcement(server: RtspServer) -> dict[str, Any]:
    """What a parent process needs: where the streams are, and when they began."""
    streams = {}
    for name in server.names:
        line = server.timeline(name)
        streams[name] = {
            "url": server.url(name),
            "began_monotonic_s": line.began_monotonic_s,
            "began_wall_s": line.began_wall_s,
            "duration_s": line.clip.duration_s,
            "frames": len(line.clip.pictures),
        }
    return {"port": server.port, "streams": streams}


def _obey(server: RtspServer) -> None:
    for line in sys.stdin:
        command, _, name = line.strip().partition(" ")
        if command == "quit":
            return
        if command not in _COMMANDS or name not in server.names:
            sys.stderr.write(f"not understood: {line.strip()!r}; say COMMAND NAME with {', '.join(_COMMANDS)}\n")
            continue
        getattr(server, command)(name)


if __name__ == "__main__":
    sys.exit(main())
