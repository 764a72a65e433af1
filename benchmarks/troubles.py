"""What befalls the cameras of a soak, and when: each in its turn, every kind in the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from pipelines.simulation.faults import Faults, Look

SOUND: Final = Faults()


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that goes wrong with one camera."""

    name: str
    faults: Faults = SOUND
    event: str = ""
    """A further command once the faults hold, such as ``drop``."""

    def begin(self, camera: str) -> list[str]:
        """The lines that begin it."""
        faults = msgspec.json.encode(self.faults).decode()
        verb, _, argument = self.event.partition(" ")
        return [f"faults {camera} {faults}", *([f"{verb} {camera} {argument}".strip()] if verb else [])]

    def end(self, camera: str) -> list[str]:
        """The lines that end it."""
        return [f"restore {camera}"]


TROUBLES: Final = (
    Trouble("stalled", Faults(stalled=True)),
    Trouble("black", Faults(look="black")),
    Trouble("reset", event="reset"),
    Trouble("corrupt packets", Faults(corrupt=0.05)),
    Trouble("refused", Faults(refusing=True), "drop"),
    Trouble("frozen", Faults(look="frozen")),
    Trouble("lost packets", Faults(lost=0.05)),
    Trouble("mute", Faults(mute=True), "drop"),
    Trouble("another size", Faults(look="resized")),
    Trouble("slow trickle", Faults(link_bytes_s=3_000)),
    Trouble("blurred", Faults(look="blurred")),
    Trouble("flapping", Faults(flap_s=3.0)),
    Trouble("clock an hour ahead", event="jump 3600"),
    Trouble("infrared", Faults(look="infrared")),
    Trouble("locked", Faults(account="nobody:knows"), "drop"),
    Trouble("shaken", Faults(look="shaken")),
    Trouble("clock overflows", event="wrap 5"),
    Trouble("few frames", Faults(look="slow")),
    Trouble("clock back", event="jump -60"),
    Trouble("moved", Faults(look="moved")),
    Trouble("half the packets corrupt", Faults(corrupt=0.5)),
)
LOOKS: Final[tuple[Look, ...]] = tuple(dict.fromkeys(trouble.faults.look for trouble in TROUBLES))


@dataclass(frozen=True, slots=True)
class Spell:
    """A trouble of one camera, in seconds from the beginning."""

    camera: str
    trouble: Trouble
    begin_s: float
    end_s: float


def spells(cameras: Sequence[str], seconds: float, period_s: float, share: float) -> list[Spell]:
    """Every camera is in trouble for a `share` of every period, one after the other, in order of their beginning.

    The last period is left without any, so that all is well in the end.
    """
    found = []
    for number, camera in enumerate(cameras):
        start_s = period_s * number / len(cameras)
        for turn in range(max(0, int((seconds - start_s) / period_s) - 1)):
            trouble = TROUBLES[(5 * number + turn) % len(TROUBLES)]
            begin_s = start_s + turn * period_s
            found.append(Spell(camera, trouble, begin_s, begin_s + share * period_s))
    return sorted(found, key=lambda spell: spell.begin_s)
