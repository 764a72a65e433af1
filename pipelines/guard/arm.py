"""What every socket that listens, and every one that connects to it, is set to before it does so."""

from __future__ import annotations

import zmq

from pipelines.guard.keyfiles import ClientKeys, KeyPair

ZAP_DOMAIN = "vigil"
"""Asked about by ZeroMQ, and answered for, under this name and no other."""

_HANDSHAKE_MS = 3000
"""Who has not finished its handshake by then is disconnected."""
_UNREAD = 64
"""Requests of one client that wait; beyond, it is not read from. With the usual 1000 a flood holds up alerts."""
_KEEP_ALIVE = {
    zmq.TCP_KEEPALIVE: 1,
    zmq.TCP_KEEPALIVE_IDLE: 30,
    zmq.TCP_KEEPALIVE_INTVL: 10,
    zmq.TCP_KEEPALIVE_CNT: 3,
}
"""A client whose machine vanished is let go of, and its queue with it, after a minute."""


def arm_server(socket: zmq.Socket[bytes], keys: KeyPair | None, *, most_bytes: int) -> None:
    """Bound what clients may send, and with `keys` let none in that the allow-list does not name. Call before `bind`.

    A client that sends a message longer than `most_bytes` is disconnected. The allow-list is kept by whoever answers
    ZAP in the socket's context (`pipelines.guard.door`); while nobody does, nobody is let in.
    """
    socket.setsockopt(zmq.MAXMSGSIZE, most_bytes)
    socket.setsockopt(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
    socket.setsockopt(zmq.RCVHWM, _UNREAD)
    for option, value in _KEEP_ALIVE.items():
        socket.setsockopt(option, value)
    if keys is not None:
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, keys.secret)
        socket.setsockopt_string(zmq.ZAP_DOMAIN, ZAP_DOMAIN)
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)


def arm_client(socket: zmq.Socket[bytes], keys: ClientKeys | None) -> None:
    """With `keys`, encrypt, show who this is, and talk to the server of that key alone. Call before `connect`."""
    if keys is not None:
        socket.setsockopt(zmq.CURVE_SERVERKEY, keys.server)
        socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.pair.public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, keys.pair.secret)
