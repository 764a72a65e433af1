"""Notices that a server has turned a client away: ZeroMQ does not try again by itself, and says nothing."""

from __future__ import annotations

from typing import Final

import zmq
from zmq.utils.monitor import parse_monitor_message

from pipelines.errors import SubscribeError

_EVENTS: Final = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
NOT_ALLOWED: Final = "its key is not, or no longer, among those allowed there"
_KEYS_DIFFER: Final = "one end asks for keys that the other does not have (--key, --server-key)"


class Handshakes:
    """A watch on a socket that connects. Belongs to the socket's thread."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        """Call before `connect`."""
        self._socket = socket
        self._events = socket.get_monitor_socket(_EVENTS)

    def turned_away(self, endpoint: str) -> bool:
        """Whether the server does not let this end's key in, now; a new socket may be let in later.

        Raises SubscribeError when the two ends do not agree on whether there are keys: that needs a person.
        """
        if not self._events.poll(0):
            return False
        event = parse_monitor_message(self._events.recv_multipart())["event"]
        if event != zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            raise SubscribeError(f"{endpoint} lets this end not in: {_KEYS_DIFFER}")
        return True

    def close(self) -> None:
        """Close the socket, and the watch on it."""
        self._socket.disable_monitor()
        self._events.close(linger=0)
        self._socket.close(linger=0)
