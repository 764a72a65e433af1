"""ZAP, the question ZeroMQ asks about each newcomer (RFC 27), as frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zmq.utils import z85

ENDPOINT = "inproc://zeromq.zap.01"
"""Where ZeroMQ asks, fixed by the RFC."""

_VERSION = b"1.0"


@dataclass(frozen=True, slots=True)
class Question:
    """May this newcomer in?"""

    id: bytes
    """Given back with the answer."""
    domain: str
    address: str
    mechanism: str
    credentials: tuple[bytes, ...]

    @property
    def key(self) -> bytes | None:
        """The newcomer's public key in Z85, if it shows one; ZeroMQ has checked that it holds the secret too."""
        if self.mechanism != "CURVE" or len(self.credentials) != 1 or len(self.credentials[0]) != 32:
            return None
        return z85.encode(self.credentials[0])


def read_question(frames: Sequence[bytes]) -> Question | None:
    """None for what is no question of version 1.0: nobody is let in by it."""
    if len(frames) < 6 or frames[0] != _VERSION:
        return None
    _, id_, domain, address, _, mechanism, *credentials = frames
    return Question(
        id=id_,
        domain=domain.decode("utf-8", "replace"),
        address=address.decode("utf-8", "replace"),
        mechanism=mechanism.decode("utf-8", "replace"),
        credentials=tuple(credentials),
    )


def welcome(question: Question, user: str) -> list[bytes]:
    """Let it in; what it sends will carry `user` as its ``User-Id``."""
    return [_VERSION, question.id, b"200", b"OK", user.encode(), b""]


def turn_away(id_: bytes, text: str) -> list[bytes]:
    """Do not let it in. ZeroMQ tells it the status code, not the text."""
    return [_VERSION, id_, b"400", text.encode(), b"", b""]
