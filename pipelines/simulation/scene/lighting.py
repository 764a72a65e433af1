"""Light that changes all over the picture: lamps, clouds, and the switch to infrared at night."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import cv2
import numpy as np

from pipelines.simulation.scene.geometry import Floats, Image
from pipelines.simulation.scene.noise import generator

EffectKind: TypeAlias = Literal["lamp", "cloud", "infrared"]
EFFECT_KINDS: tuple[EffectKind, ...] = get_args(EffectKind)

_LAMP_S: Final = 0.15
"""How long a lamp takes to light up."""
_CLOUD_S: Final = 3.0
"""How long the edge of a cloud takes to pass."""
_ADAPTS_S: Final = 0.8
"""Time constant of the camera's exposure."""
_ADAPTS_BY: Final = 0.5
"""How much of a change of brightness the camera's exposure takes back, as a power."""
_SHADE: Final = np.array((0.60, 0.64, 0.72), np.float32)
"""What a thick cloud leaves of daylight, by channel."""
_WARM: Final = np.array((1.0, 0.86, 0.62), np.float32)
_INFRARED: Final = np.array((0.55, 0.75, -0.30), np.float32)
"""How bright in near infrared what is red, green or blue by day is: plants are bright, the sky is dark."""
_NOISE: Final = 1.6
"""Gain of the sensor's noise at night."""
_DAZZLED: Final = 1.2
"""How far overexposed the first picture after a switch is."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A change of light that begins at a moment and is taken back at another."""

    kind: EffectKind
    begin_s: float
    end_s: float = math.inf

    def share(self, time_s: float, lasts_s: float) -> float:
        """How far the change has come, 0..1, when it takes so long to come and to go."""
        came = (time_s - self.begin_s) / lasts_s
        goes = (time_s - self.end_s) / lasts_s
        return float(np.clip(came, 0, 1) * (1 - np.clip(goes, 0, 1)))


class Lighting:
    """What the effects do to a scene's pictures."""

    def __init__(self, effects: Sequence[Effect], size: tuple[int, int], view: int, seed: int) -> None:
        """`size` is width and height; view and seed choose where lamps hang."""
        self._effects = tuple(effects)
        rows, columns = np.indices((size[1], size[0]), dtype=np.float32)
        rng = generator(view, seed, 98)
        x, y = rng.uniform(0.2, 0.8) * size[0], rng.uniform(0.3, 0.8) * size[1]
        reach = rng.uniform(0.25, 0.45) * size[0]
        pool = np.exp(-((columns - x) ** 2 + (1.6 * (rows - y)) ** 2) / (2 * reach**2))
        self._lamp: Floats = ((0.30 + 0.55 * pool)[..., None] * _WARM).astype(np.float32)
        middle = np.hypot(columns / size[0] - 0.5, rows / size[1] - 0.55)
        self._beam: Floats = np.exp(-((middle / 0.55) ** 2)).astype(np.float32)

    def infrared(self, time_s: float) -> bool:
        """Whether the camera sees in infrared, without colour."""
        return any(one.kind == "infrared" and one.begin_s <= time_s < one.end_s for one in self._effects)

    def sun(self, time_s: float) -> float:
        """What is left of the sun's direct light, 0..1."""
        return 0.0 if self.infrared(time_s) else 1 - self._share("cloud", time_s, _CLOUD_S)

    def light(self, picture: Image, time_s: float) -> Image:
        """A picture, uint8 [H, W, 3], in the light of the moment and under the exposure that the camera chose."""
        if not self._effects:
            return picture
        lamp, cloud = self._share("lamp", time_s, _LAMP_S), self._share("cloud", time_s, _CLOUD_S)
        gain = self._exposure(time_s) * (1 + lamp * self._lamp) * (1 - cloud * (1 - _SHADE))
        lit = picture * gain
        if self.infrared(time_s):
            lit = np.repeat((np.maximum(picture @ _INFRARED, 8) * self._beam * self._exposure(time_s))[..., None], 3, 2)
        return np.clip(lit, 0, 255).astype(np.uint8)

    def noise(self, time_s: float) -> float:
        """Gain of the sensor's noise."""
        return _NOISE if self.infrared(time_s) else 1.0

    def develop(self, picture: Image, time_s: float) -> Image:
        """The picture that the camera sends, of the one with noise: grey in infrared."""
        if not self.infrared(time_s):
            return picture
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)

    def _share(self, kind: EffectKind, time_s: float, lasts_s: float) -> float:
        return max((one.share(time_s, lasts_s) for one in self._effects if one.kind == kind), default=0.0)

    def _exposure(self, time_s: float) -> float:
        """The camera's own gain: it follows what the light was a little while ago."""
        gain = 1.0
        for one in self._effects:
            for moment, sign in ((one.begin_s, 1), (one.end_s, -1)):
                passed = time_s - moment
                if passed < 0 or not math.isfinite(moment):
                    continue
                if one.kind == "infrared":
                    gain *= 1 + _DAZZLED * math.exp(-passed / _ADAPTS_S)
                else:
                    brighter = 1.3 if one.kind == "lamp" else float(_SHADE.mean())
                    gain *= brighter ** (-sign * _ADAPTS_BY * -math.expm1(-passed / _ADAPTS_S))
        return gain
