"""People as jointed figures: a skeleton in metres, posed by a phase of its gait, drawn as shaded limbs.

Axes of a figure: forward, left, up; the origin lies on the ground between the feet.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np

from pipelines.simulation.scene.layout import Colour

Gait: TypeAlias = Literal["walk", "run", "stand", "ride"]
Joint: TypeAlias = tuple[float, float, float]

CYCLE_M: dict[Gait, float] = {"walk": 1.45, "run": 2.6, "stand": 1e9, "ride": 4.5}
"""Metres gone in one cycle of the limbs (two steps, or one turn of the pedals)."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a person is built and dressed."""

    height_m: float
    build: float
    skin: Colour
    hair: Colour
    top: Colour
    bottom: Colour
    shoes: Colour
    bare_arms: bool
    long_hair: bool
    coat: bool
    bag: Literal["none", "backpack", "handbag", "suitcase"]
    bag_colour: Colour = (96, 62, 40)


@dataclass(frozen=True, slots=True)
class Limb:
    """A rod with round ends, thicker at one end or not."""

    start: Joint
    end: Joint
    start_radius: float
    end_radius: float
    colour: Colour


_SKINS: tuple[Colour, ...] = ((236, 196, 168), (214, 166, 132), (168, 118, 86), (112, 76, 56), (242, 208, 184))
_HAIRS: tuple[Colour, ...] = ((38, 28, 22), (70, 48, 32), (26, 24, 26), (150, 112, 66), (120, 118, 116))
_TOPS: tuple[Colour, ...] = (
    (44, 52, 74), (150, 40, 42), (226, 224, 218), (52, 84, 60), (38, 38, 42), (70, 110, 160), (196, 164, 72),
    (122, 124, 130), (104, 64, 92), (188, 112, 74), (84, 70, 58), (120, 150, 140),
)  # fmt: skip
_BOTTOMS: tuple[Colour, ...] = ((40, 48, 72), (34, 34, 38), (88, 84, 80), (120, 106, 84), (60, 74, 104), (52, 46, 42))


def dress(rng: np.random.Generator) -> Look:
    """A person of the street."""
    bag = str(rng.choice(("none", "backpack", "handbag"), p=(0.55, 0.25, 0.2)))
    return Look(
        height_m=float(np.clip(rng.normal(1.72, 0.08), 1.52, 1.94)),
        build=float(rng.uniform(0.88, 1.15)),
        skin=_pick(rng, _SKINS),
        hair=_pick(rng, _HAIRS),
        top=_vary(rng, _pick(rng, _TOPS)),
        bottom=_vary(rng, _pick(rng, _BOTTOMS)),
        shoes=(32, 30, 30) if rng.random() < 0.7 else (206, 204, 200),
        bare_arms=bool(rng.random() < 0.35),
        long_hair=bool(rng.random() < 0.35),
        coat=bool(rng.random() < 0.3),
        bag="backpack" if bag == "backpack" else "handbag" if bag == "handbag" else "none",
    )


def _pick(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    return colours[int(rng.integers(len(colours)))]


def _vary(rng: np.random.Generator, colour: Colour) -> Colour:
    r, g, b = (int(np.clip(c * rng.uniform(0.88, 1.12) + rng.uniform(-6, 6), 8, 245)) for c in colour)
    return r, g, b


def pose(look: Look, gait: Gait, phase: float) -> list[Limb]:
    """The limbs of a figure; `phase` counts cycles, its fraction is the place in the cycle."""
    limbs = _rider(look, phase) if gait == "ride" else _walker(look, gait, phase)
    size = look.height_m / 1.75
    return [_scaled(limb, size) for limb in limbs]


def _scaled(limb: Limb, size: float) -> Limb:
    start, end = (tuple(size * axis for axis in joint) for joint in (limb.start, limb.end))
    return Limb(start, end, limb.start_radius * size, limb.end_radius * size, limb.colour)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class _Swing:
    thigh: float
    knee: float
    rest: float
    arm: float
    elbow: float
    lean: float


_SWINGS: dict[Gait, _Swing] = {
    "walk": _Swing(0.46, 0.95, 0.10, 0.42, 0.28, 0.03),
    "run": _Swing(0.82, 1.65, 0.28, 0.85, 1.45, 0.22),
    "stand": _Swing(0.0, 0.0, 0.03, 0.04, 0.18, 0.0),
}
_THIGH, _SHIN, _HIP = 0.43, 0.43, 0.93


def _walker(look: Look, gait: Gait, phase: float) -> list[Limb]:
    swing = _SWINGS[gait]
    legs = [_leg(look, swing, side, math.tau * (phase + (0.5 if side < 0 else 0))) for side in (-1, 1)]
    sink = min(joint[2] for leg in legs for joint in (leg[0].end, leg[1].end)) - 0.07
    legs = [[_moved(limb, -sink) for limb in leg] for leg in legs]
    hip = _HIP - sink
    body = _trunk(look, hip, swing.lean)
    arms = [_arm(look, swing, side, math.tau * (phase + (0.0 if side < 0 else 0.5)), hip) for side in (-1, 1)]
    return [limb for part in (*legs, body, *arms) for limb in part]


def _moved(limb: Limb, up: float) -> Limb:
    (a, b, c), (d, e, f) = limb.start, limb.end
    return Limb((a, b, c + up), (d, e, f + up), limb.start_radius, limb.end_radius, limb.colour)


def _leg(look: Look, swing: _Swing, side: int, angle: float) -> list[Limb]:
    """Thigh, shin, foot. The knee bends while the leg swings forward."""
    thigh = swing.thigh * math.sin(angle) + 0.1 * swing.thigh
    bend = swing.rest + swing.knee * max(0.0, math.cos(angle + 0.45)) ** 1.3
    out = side * 0.095
    hip = (0.0, out, _HIP)
    knee = (_THIGH * math.sin(thigh), out, _HIP - _THIGH * math.cos(thigh))
    shin = thigh - bend
    ankle = (knee[0] + _SHIN * math.sin(shin), out * 0.9, knee[2] - _SHIN * math.cos(shin))
    tilt = 0.7 * shin
    toe = (ankle[0] + 0.17 * math.cos(tilt), out, ankle[2] + 0.17 * math.sin(tilt) - 0.035)
    wide = look.build
    return [
        Limb(hip, knee, 0.093 * wide, 0.062, look.bottom),
        Limb(knee, ankle, 0.062, 0.042, look.bottom),
        Limb(ankle, toe, 0.048, 0.036, look.shoes),
    ]


def _arm(look: Look, swing: _Swing, side: int, angle: float, hip: float) -> list[Limb]:
    raised = swing.arm * math.sin(angle)
    out = side * (0.2 * look.build)
    shoulder = (math.sin(swing.lean) * 0.5, out, hip + 0.5)
    elbow = (shoulder[0] + 0.29 * math.sin(raised), out * 1.18, shoulder[2] - 0.29 * math.cos(raised))
    fore = raised + swing.elbow
    hand = (elbow[0] + 0.25 * math.sin(fore), out * 1.1, elbow[2] - 0.25 * math.cos(fore))
    sleeve = look.skin if look.bare_arms else look.top
    limbs = [
        Limb(shoulder, elbow, 0.056, 0.045, look.top),
        Limb(elbow, hand, 0.042, 0.034, sleeve),
        Limb(hand, hand, 0.045, 0.045, look.skin),
    ]
    if side > 0 and look.bag in {"handbag", "suitcase"}:
        limbs.append(_carried(look, hand))
    return limbs


def _carried(look: Look, hand: Joint) -> Limb:
    half, drop, radius = (0.16, 0.3, 0.19) if look.bag == "suitcase" else (0.1, 0.2, 0.11)
    start, end = (hand[0] - half, hand[1], hand[2] - drop), (hand[0] + half, hand[1], hand[2] - drop)
    return Limb(start, end, radius, radius, look.bag_colour)


def _trunk(look: Look, hip: float, lean: float) -> list[Limb]:
    forward = math.sin(lean)
    wide = look.build
    neck = (forward * 0.58, 0.0, hip + 0.56)
    limbs = []
    for side in (-0.085 * wide, 0.085 * wide):
        chest = (forward * 0.45, side * 1.2, hip + 0.43)
        limbs.append(Limb((0.0, side, hip + 0.02), chest, 0.105 * wide, 0.115 * wide, look.top))
        if look.coat:
            limbs.append(
                Limb((0.0, side, hip + 0.02), (0.0, side * 1.1, hip - 0.28), 0.11 * wide, 0.11 * wide, look.top)
            )
    limbs.append(Limb((neck[0], -0.15 * wide, hip + 0.5), (neck[0], 0.15 * wide, hip + 0.5), 0.075, 0.075, look.top))
    limbs += _head(look, neck)
    if look.bag == "backpack":
        back = (neck[0] - 0.2, 0.0)
        limbs.append(Limb((back[0] - 0.02, 0, hip + 0.14), (back[0], 0, hip + 0.42), 0.13, 0.13, (58, 66, 58)))
    return limbs


def _head(look: Look, neck: Joint) -> list[Limb]:
    head = (neck[0] + 0.03, 0.0, neck[2] + 0.16)
    limbs = [
        Limb(neck, (head[0], 0, head[2] - 0.04), 0.05, 0.055, look.skin),
        Limb((head[0] + 0.015, 0, head[2] - 0.03), (head[0] + 0.01, 0, head[2] + 0.03), 0.09, 0.1, look.skin),
        Limb((head[0] - 0.03, 0, head[2] + 0.01), (head[0] - 0.015, 0, head[2] + 0.05), 0.1, 0.1, look.hair),
    ]
    if look.long_hair:
        limbs.append(Limb((head[0] - 0.06, 0, head[2]), (head[0] - 0.08, 0, head[2] - 0.2), 0.085, 0.08, look.hair))
    return limbs


_METAL: Colour = (42, 44, 50)
_FRAME: Colour = (40, 120, 150)


def _rider(look: Look, phase: float) -> list[Limb]:
    """A person on a bicycle: the feet follow the pedals, the knees by inverse kinematics."""
    seat, bar = (-0.18, 0.0, 0.98), (0.46, 0.0, 1.08)
    limbs = _bicycle(seat, bar)
    for side in (-1, 1):
        angle = math.tau * (-phase + (0.5 if side < 0 else 0))
        foot = (0.05 + 0.17 * math.cos(angle), side * 0.11, 0.3 + 0.17 * math.sin(angle))
        knee = _knee((seat[0], side * 0.09, seat[2]), foot)
        limbs += [
            Limb((seat[0], side * 0.09, seat[2]), knee, 0.09 * look.build, 0.06, look.bottom),
            Limb(knee, foot, 0.06, 0.042, look.bottom),
            Limb(foot, (foot[0] + 0.15, foot[1], foot[2] - 0.03), 0.045, 0.035, look.shoes),
        ]
        chest, hand = (0.16, side * 0.2, 1.46), (bar[0], side * 0.24, bar[2] + 0.02)
        elbow = (0.3, side * 0.27, 1.22)
        limbs += [Limb(chest, elbow, 0.055, 0.045, look.top), Limb(elbow, hand, 0.042, 0.035, look.skin)]
        limbs.append(Limb((seat[0], side * 0.08, 1.0), (0.13, side * 0.1, 1.4), 0.11 * look.build, 0.115, look.top))
    limbs.append(Limb((0.14, -0.15, 1.46), (0.14, 0.15, 1.46), 0.075, 0.075, look.top))
    return limbs + _head(look, (0.2, 0.0, 1.53))


def _knee(hip: Joint, foot: Joint) -> Joint:
    forward, down = foot[0] - hip[0], hip[2] - foot[2]
    reach = min(math.hypot(forward, down), _THIGH + _SHIN - 0.01)
    toward = math.atan2(forward, down)
    open_ = math.acos(max(-1.0, min(1.0, reach / (2 * _THIGH))))
    angle = toward + open_
    return hip[0] + _THIGH * math.sin(angle), hip[1], hip[2] - _THIGH * math.cos(angle)


def _bicycle(seat: Joint, bar: Joint) -> list[Limb]:
    crank, back, front, head = (0.05, 0.0, 0.3), (-0.52, 0.0, 0.34), (0.56, 0.0, 0.34), (0.42, 0.0, 0.86)
    tubes = ((crank, seat), (crank, head), (seat, head), (back, crank), (back, seat), (head, front), (head, bar))
    limbs = [Limb(a, b, 0.022, 0.022, _FRAME) for a, b in tubes]
    limbs.append(Limb((bar[0], -0.26, bar[2]), (bar[0], 0.26, bar[2]), 0.02, 0.02, _METAL))
    limbs.append(Limb((seat[0] - 0.08, 0, seat[2]), (seat[0] + 0.1, 0, seat[2]), 0.05, 0.03, _METAL))
    for hub in (back, front):
        rim = [(hub[0] + 0.33 * math.cos(a), 0.0, hub[2] + 0.33 * math.sin(a)) for a in np.linspace(0, math.tau, 15)]
        limbs += [Limb(a, b, 0.024, 0.024, _METAL) for a, b in pairwise(rim)]
    return limbs
