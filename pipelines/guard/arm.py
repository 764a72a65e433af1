"""What every socket that listens, and every one that connects to it, is set to before it does so."""

from __future__ import annotations

import zmq

from pipelines.guard.keyfiles import ClientKeys, KeyPair

ZAP_DOMAIN = "vigil"
"""What ZeroMQ asks for entrance to, unless a socket has a name of its own."""

HANDSHAKE_S = 2.0
"""Who has not finished its handshake by then is disconnected."""
_UNREAD = 64
"""Requests of one client that wait; beyond, it is not read from. With the usual 1000 a flood holds up alerts."""
_CLIENT_LOST_S = (30, 10)
"""TCP asks a silent client after so long, then three times at this interval: one whose machine vanished is let go of,
and its queue with it, after a minute."""
_SERVER_LOST_S = (5, 2)
"""The other way about: a server that vanished is noticed after 11 s. No heartbeats of ZeroMQ's own: a client that reads
slowly does not see them and connects anew, and libzmq (4.3.5, its issue 3937) then aborts the process."""


def arm_server(socket: zmq.Socket[bytes], keys: KeyPair | None, *, most_bytes: int, domain: str = ZAP_DOMAIN) -> None:
    """Bound what clients may send, and with `keys` let none in that the allow-list does not name. Call before `bind`.

    A client that sends a message longer than `most_bytes` is disconnected. The allow-list is kept by whoever answers
    ZAP in the socket's context (`pipelines.guard.guard`); while nobody does, nobody is let in.
    """
    socket.setsockopt(zmq.MAXMSGSIZE, most_bytes)
    socket.setsockopt(zmq.HANDSHAKE_IVL, int(HANDSHAKE_S * 1000))
    socket.setsockopt(zmq.RCVHWM, _UNREAD)
    _keep_alive(socket, *_CLIENT_LOST_S)
    if keys is not None:
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, keys.secret)
        socket.setsockopt_string(zmq.ZAP_DOMAIN, domain)
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)


def arm_client(socket: zmq.Socket[bytes], keys: ClientKeys | None) -> None:
    """With `keys`, encrypt, show who this is, and talk to the server of that key alone. Call before `connect`."""
    _keep_alive(socket, *_SERVER_LOST_S)
    if keys is not None:
        socket.setsockopt(zmq.CURVE_SERVERKEY, keys.server)
        socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.pair.public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, keys.pair.secret)


def _keep_alive(socket: zmq.Socket[bytes], idle_s: int, interval_s: int) -> None:
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, idle_s)
    socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, interval_s)
    socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, 3)
