"""One attack on a running daemon, in a process of its own: see `benchmarks.intruders`.

python -m benchmarks.intruder KIND ALERTS_PORT HTTP_PORT SECONDS KEY_FILE SERVER_KEY_FILE
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import zmq

from pipelines.guard.arm import arm_client
from pipelines.guard.keyfiles import ClientKeys, KeyPair, read_pair, read_public

FROM = "127.0.0.2"
"""Not the address of those who may."""
_MANY = 1000


class Intruder:
    """Knows where to go and until when."""

    def __init__(self, arguments: list[str]) -> None:
        self.alerts, self.http = int(arguments[0]), int(arguments[1])
        self.until = time.monotonic() + float(arguments[2])
        self.revoked = read_pair(Path(arguments[3]))
        self.server = read_public(Path(arguments[4]))

    def subscribe(self, pair: KeyPair | None, count: int) -> None:
        """Subscribe again and again; a client that is turned away for good is made anew."""
        with zmq.Context() as context:
            context.linger = 0
            while time.monotonic() < self.until:
                sockets = [context.socket(zmq.SUB) for _ in range(count)]
                for each in sockets:
                    arm_client(each, None if pair is None else ClientKeys(pair, self.server))
                    each.subscribe(b"")
                    each.connect(f"tcp://{FROM}:0;127.0.0.1:{self.alerts}")
                time.sleep(1.0)
                if any(each.poll(0) for each in sockets):
                    print("ADMITTED", flush=True)
                for each in sockets:
                    each.close(linger=0)

    def link(self, port: int) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", port), timeout=1.0, source_address=(FROM, 0))

    def pour(self, port: int, start: bytes) -> None:
        """Send 100 MB, again and again."""
        load = bytes(100 << 20)
        while time.monotonic() < self.until:
            with contextlib.suppress(OSError), self.link(port) as link:
                link.sendall(start)
                link.sendall(load)
            time.sleep(0.2)

    def crowd(self, port: int, word: bytes = b"") -> None:
        """A thousand connections at a time; with a word each, the next of which comes every half second."""
        links: list[socket.socket] = []
        while time.monotonic() < self.until:
            with contextlib.suppress(OSError):
                while len(links) < _MANY:
                    links.append(self.link(port))
                    if word:
                        links[-1].sendall(b"GET /metrics HTTP/1.1\r\nX: ")
            kept = []
            for each in links:
                each.setblocking(False)  # noqa: FBT003 - the library's own
                try:
                    if word:
                        each.send(word)
                    elif not each.recv(4096):
                        raise ConnectionResetError
                    kept.append(each)
                except BlockingIOError:
                    kept.append(each)
                except OSError:
                    each.close()
            links = kept
            time.sleep(0.5)


def main() -> None:
    """Attack until the time is over."""
    os.nice(10)  # the attacker's work is done on other machines
    kind, *rest = sys.argv[1:]
    one = Intruder(rest)
    greeting = b"\xff" + bytes(7) + b"\x01\x7f\x03\x00CURVE" + bytes(15) + bytes(32)
    attacks: dict[str, Callable[[], None]] = {
        "no key": lambda: one.subscribe(None, 20),
        "unknown key": lambda: one.subscribe(KeyPair(*zmq.curve_keypair()), 20),
        "revoked key": lambda: one.subscribe(one.revoked, 20),
        "100 MB to alerts": lambda: one.pour(one.alerts, greeting + b"\x06" + (100 << 20).to_bytes(8, "big")),
        "1000 connections to alerts": lambda: one.crowd(one.alerts),
        "100 MB to metrics": lambda: one.pour(one.http, b"POST / HTTP/1.1\r\nContent-Length: 104857600\r\n\r\n"),
        "1000 connections to metrics": lambda: one.crowd(one.http),
        "slow-loris": lambda: one.crowd(one.http, b"x"),
    }
    print("BEGINS", flush=True)
    attacks[kind]()


if __name__ == "__main__":
    main()
