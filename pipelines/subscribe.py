"""The other end of the wire: listens to a publisher and notices what it missed."""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import zmq
from zmq.utils.monitor import parse_monitor_message

from pipelines.errors import SubscribeError, SubscribeTimeout
from pipelines.guard.arm import arm_client
from pipelines.guard.keyfiles import ClientKeys
from pipelines.wire import (
    ALERT_TOPIC,
    HEALTH_TOPIC,
    REGIME_TOPIC,
    STATUS_TOPIC,
    AlertMessage,
    HealthMessage,
    Message,
    RegimeMessage,
    StatusMessage,
    decode,
)

_log = logging.getLogger("vigil.subscribe")

_MOST_MESSAGE_BYTES = 256 << 20
_POLL_S = 0.5
"""Signals are seen at least this often while nothing comes."""
_REFUSALS = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
_WHY_REFUSED = {
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "its key is not, or no longer, among those allowed there",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "one end asks for keys that the other does not have (--key, --server-key)",
}
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Gap:
    """Alerts that were published and did not arrive."""

    boot_id: str
    camera: str | None
    """Whose; None: of all cameras."""
    first: int
    """Sequence number of the first one missing: `camera_seq` if a camera is named, else `seq`."""
    last: int

    @property
    def missed(self) -> int:
        """How many."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        whose = "" if self.camera is None else f" of {self.camera}"
        return f"{self.missed} alerts{whose} missed: numbers {self.first} to {self.last} of run {self.boot_id}"


class Subscriber:
    """Iterates over the messages of a publisher, which may come and go.

    A context manager, for one thread. Where messages were lost (this end was too slow, or the connection broke), it
    tells `on_gap`, which by default logs a warning.

    >>> with Subscriber("tcp://127.0.0.1:5557", camera="yard") as messages:  # doctest: +SKIP
    ...     for message in messages:
    ...         print(message)
    """

    def __init__(  # noqa: PLR0913 - a subscriber has as many options as it has
        self,
        endpoint: str,
        camera: str | None = None,
        *,
        timeout_s: float | None = None,
        on_gap: Callable[[Gap], None] | None = None,
        high_water: int = 256,
        context: zmq.Context[zmq.Socket[bytes]] | None = None,
        keys: ClientKeys | None = None,
    ) -> None:
        """Listen to all cameras or to one. With `timeout_s`, silence for that long raises SubscribeTimeout.

        `keys` are for a publisher that lets in those with a key only (`pipelines.guard.keyfiles.read_client`).

        A publisher says how each camera is every few seconds, so longer silence means that it is gone.
        """
        self.endpoint = endpoint
        self.camera = camera
        self._timeout_s = timeout_s
        self._on_gap = on_gap or _warn
        self._high_water = high_water
        self._given = context
        self._keys = keys
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._socket: zmq.Socket[bytes] | None = None
        self._refusals: zmq.Socket[bytes] | None = None
        self._sequence = _Sequence(camera)

    def __enter__(self) -> Self:
        self._context = self._given or zmq.Context()
        socket = self._context.socket(zmq.SUB)
        try:
            self._set_up(socket)
        except zmq.ZMQError as error:
            self._hang_up(socket)
            message = f"cannot listen to {self.endpoint}: {error.strerror}: write it like tcp://127.0.0.1:5557"
            raise SubscribeError(message) from error
        self._socket = socket
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            self._hang_up(socket)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Message:
        return self.receive(self._timeout_s)

    def receive(self, timeout_s: float | None = None) -> Message:
        """The next message. Raises SubscribeTimeout, or WireError for a message that is not understood.

        After either the subscriber can go on.
        """
        deadline = math.inf if timeout_s is None else time.monotonic() + timeout_s
        while True:
            parts = self._await(deadline)
            if parts is None:
                raise SubscribeTimeout(
                    f"nothing came from {self.endpoint} within {timeout_s:g} s: is Vigil running there, and does it "
                    "ask for a key?"
                )
            if self._is_ours(parts[0]):
                message = decode(parts)
                gap = self._sequence.gap_before(message)
                if gap is not None:
                    self._on_gap(gap)
                return message

    def _set_up(self, socket: zmq.Socket[bytes]) -> None:
        socket.setsockopt(zmq.RCVHWM, self._high_water)
        socket.setsockopt(zmq.MAXMSGSIZE, _MOST_MESSAGE_BYTES)
        arm_client(socket, self._keys)
        # Alerts first: the status that the publisher sends a newcomer then follows every alert that it counts.
        for topic in (ALERT_TOPIC, HEALTH_TOPIC, REGIME_TOPIC, STATUS_TOPIC):
            socket.subscribe(f"{topic}{self.camera or ''}")
        self._refusals = socket.get_monitor_socket(_REFUSALS)
        socket.connect(self.endpoint)

    def _await(self, deadline: float) -> list[bytes] | None:
        """The next message of anybody's; None when the deadline (monotonic) passed."""
        if self._socket is None:
            raise SubscribeError("a Subscriber is used in a with statement")
        while True:
            left_s = max(0.0, deadline - time.monotonic())
            if self._socket.poll(math.ceil(min(left_s, _POLL_S) * 1000)):
                return self._socket.recv_multipart()
            self._mind_refusal()
            if left_s <= _POLL_S:
                return None

    def _mind_refusal(self) -> None:
        """Raise SubscribeError when the publisher has turned this end away; ZeroMQ does not try again by itself."""
        if self._refusals is None or not self._refusals.poll(0):
            return
        event = parse_monitor_message(self._refusals.recv_multipart())["event"]
        raise SubscribeError(f"{self.endpoint} lets this end not in: {_WHY_REFUSED[zmq.Event(event)]}")

    def _is_ours(self, topic: bytes) -> bool:
        """ZeroMQ matches prefixes: who asks for ``alert.cam1`` gets ``alert.cam10`` too."""
        wanted = self.camera
        return wanted is None or topic in {
            f"{kind}{wanted}".encode() for kind in (ALERT_TOPIC, HEALTH_TOPIC, REGIME_TOPIC, STATUS_TOPIC)
        }

    def _hang_up(self, socket: zmq.Socket[bytes]) -> None:
        refusals, self._refusals = self._refusals, None
        if refusals is not None:
            socket.disable_monitor()
            refusals.close(linger=0)
        socket.close(linger=0)
        self._release()

    def _release(self) -> None:
        context, self._context = self._context, None
        if context is not None and self._given is None:
            context.term()


class _Sequence:
    """Watches the numbers of the alerts, and the counts that statuses state, for what did not arrive."""

    def __init__(self, camera: str | None) -> None:
        self._camera = camera
        self._boot_id: str | None = None
        self._last = 0

    def gap_before(self, message: Message) -> Gap | None:
        """What is missing between the messages so far and this one."""
        if isinstance(
            message, HealthMessage | RegimeMessage
        ):  # faults have no numbers: every status names those that last
            return None
        header, alert = message.header, isinstance(message, AlertMessage)
        number = self._number(message)
        if self._boot_id is None:  # what was published before the first message is not missed
            self._boot_id, self._last = header.boot_id, number
            return None
        if header.boot_id != self._boot_id:
            self._boot_id, self._last = header.boot_id, 0
        first, last = self._last + 1, number - alert
        self._last = max(self._last, number)
        return Gap(header.boot_id, self._camera, first, last) if first <= last else None

    def _number(self, message: AlertMessage | StatusMessage) -> int:
        if isinstance(message, AlertMessage):
            return message.header.seq if self._camera is None else message.header.camera_seq
        return message.header.last_seq if self._camera is None else message.header.last_camera_seq


def save_message(message: Message, folder: Path) -> list[Path]:
    """Write an alert's pictures and header into a folder, made if need be; returns the files. Other messages give none.

    File names are made of the sender's words, so they are reduced to letters, digits, ``_`` and ``-``. Raises OSError.
    """
    if not isinstance(message, AlertMessage):
        return []
    header = message.header
    words = (header.boot_id, f"{header.seq:06d}", header.camera, header.phase)
    stem = "_".join(_UNSAFE.sub("-", word)[:60] for word in words)
    contents = {
        "overlay.jpg": message.overlay_jpeg,
        "clean.jpg": message.clean_jpeg,
        "heatmap.png": message.heatmap_png,
        "json": msgspec.json.format(msgspec.json.encode(header), indent=2),
    }
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{stem}.{ending}" for ending in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.write_bytes(content)
    return paths


def _warn(gap: Gap) -> None:
    _log.warning("%s", gap)
