"""What a subscriber asks of the replay, and how it is answered.

A request is one part, JSON. An answer is up to a page of alerts, each the request's id as text and then the five parts
of the alert, and at last three parts: the id, ``replay``, and how it went as JSON.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias, get_args

import msgspec
from msgspec import Meta

from pipelines.errors import WireError
from pipelines.headers import Name

REPLAY_SCHEMA: Final = "vigil.replay/1"
ANSWER: Final = b"replay"
MOST_REQUEST_BYTES: Final = 1024

Outcome: TypeAlias = Literal["done", "more", "unknown", "busy", "unavailable", "refused"]
"""done: that is all there is; more: ask again after the last one; unknown: the run is not in the journal; busy: too
many ask; unavailable: the journal cannot be read at the moment; refused: the request makes no sense."""


OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


class ReplayRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for the alerts after one, in the order in which they were published."""

    schema: Annotated[Literal["vigil.replay/1"], Meta(description="Names the format and its major version.")]
    id: Annotated[int, Meta(ge=0, le=2**53, description="Any number; the answer repeats it.")]
    boot_id: Annotated[
        Annotated[str, Meta(min_length=1, max_length=64)] | None,
        Meta(description="Run of the alert after which to begin; null: with the first alert that is kept."),
    ] = None
    seq: Annotated[int, Meta(ge=0, le=2**53, description="Its number; 0: before the run's first.")] = 0
    camera: Annotated[
        Annotated[str, Meta(min_length=1, max_length=256)] | None, Meta(description="Of this camera alone.")
    ] = None


class ReplayAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The last part of an answer."""

    schema: Annotated[Literal["vigil.replay/1"], Meta(description="Names the format and its major version.")]
    id: Annotated[int, Meta(description="The request's; 0 if it could not be read.")]
    outcome: Annotated[
        Name,
        Meta(
            description="done: that is all there is; more: ask again after the last one; unknown: the run is not in "
            "the journal; busy, unavailable: ask again in a while; refused: the request makes no sense.",
            examples=["done", "more"],
        ),
    ]
    alerts: Annotated[int, Meta(ge=0, description="How many alerts came before this.")]
    reason: Annotated[str, Meta(description="Why there are no more, for people; empty when done or more.")] = ""


_requests = msgspec.json.Decoder(ReplayRequest)
_answers = msgspec.json.Decoder(ReplayAnswer)
_encoder = msgspec.json.Encoder()


def read_request(parts: list[bytes]) -> ReplayRequest:
    """Read a request. Raises WireError, and nothing else."""
    if len(parts) != 1:
        raise WireError(f"a request is one part from a DEALER socket, this one has {len(parts)}")
    if len(parts[0]) > MOST_REQUEST_BYTES:
        raise WireError(f"a request of {len(parts[0])} bytes, where {MOST_REQUEST_BYTES} are the most")
    try:
        return _requests.decode(parts[0])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"a request is not {REPLAY_SCHEMA}: {' '.join(str(error).split())[:200]}") from None


def write_request(request: ReplayRequest) -> bytes:
    """Its only part."""
    return _encoder.encode(request)


def write_answer(answer: ReplayAnswer) -> list[bytes]:
    """The last message of an answer."""
    return [str(answer.id).encode(), ANSWER, _encoder.encode(answer)]


def read_answer(parts: list[bytes]) -> ReplayAnswer | None:
    """How it went; None for one of the alerts before it. Raises WireError for what is neither."""
    if len(parts) >= 6:
        return None
    if len(parts) != 3 or parts[1] != ANSWER:
        raise WireError("an answer that is no answer of Vigil's replay")
    try:
        return _answers.decode(parts[2])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"an answer is not {REPLAY_SCHEMA}: {' '.join(str(error).split())[:200]}") from None
