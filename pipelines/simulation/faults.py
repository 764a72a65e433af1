"""What can be wrong with a stand-in camera: on its network, in its packets, in its picture."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

import msgspec

RTP_HEADER_BYTES = 12

Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
Look: TypeAlias = Literal[
    "sound",
    "frozen",
    "repeated",
    "black",
    "white",
    "blurred",
    "covered",
    "shaken",
    "moved",
    "infrared",
    "resized",
    "slow",
]
"""What a camera's picture looks like.

- sound: as the clip is.
- frozen: one picture for ever, as an encoder codes it when its sensor hangs: a key frame, then pictures that skip.
- repeated: the very same coded picture over and over, as some proxies do.
- black, white: the cap is on, or the exposure is stuck; a sensor's noise remains.
- blurred: out of focus. covered: something close hides nearly all. shaken: by the wind, a few pixels a frame.
- moved: the camera points elsewhere, by a fifth of its picture.
- infrared: grey, brighter in the middle, as at night.
- resized: another width and height, and so new parameter sets in mid-stream.
- slow: a third of the frames.
"""


class Faults(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that is wrong with a camera at a time; by default nothing."""

    look: Look = "sound"
    """What is to be seen; changes at a key frame."""
    stalled: bool = False
    """Sends nothing more, but keeps the connections and answers requests."""
    mute: bool = False
    """Takes connections and answers nothing."""
    refusing: bool = False
    """Answers new clients with 503."""
    link_bytes_s: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """A link so slow: over TCP what does not fit is late, and then left out a picture at a time."""
    corrupt: Share = 0.0
    """Share of packets that arrive with flipped bits."""
    lost: Share = 0.0
    """Share of packets that never arrive."""
    flap_s: Annotated[float, msgspec.Meta(ge=0.1)] | None = None
    """Is there for so long, then away for as long, by turns; connections are cut and refused while it is away."""
    account: str | None = None
    """``user:password`` that clients have to know; asked for by digest authentication."""


def spoil(packets: Sequence[bytes], faults: Faults, chance: random.Random) -> list[bytes]:
    """The RTP packets as they arrive: some lost, some with one to three flipped bits behind their header."""
    if not faults.corrupt and not faults.lost:
        return list(packets)
    arriving = [packet for packet in packets if not _happens(faults.lost, chance)]
    return [_flipped(packet, chance) if _happens(faults.corrupt, chance) else packet for packet in arriving]


def _happens(share: float, chance: random.Random) -> bool:
    return share > 0 and chance.random() < share


def _flipped(packet: bytes, chance: random.Random) -> bytes:
    spoilt = bytearray(packet)
    for _ in range(chance.randint(1, 3)):
        spoilt[chance.randrange(RTP_HEADER_BYTES, len(packet))] ^= 1 << chance.randrange(8)
    return bytes(spoilt)
