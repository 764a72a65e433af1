"""A surveillance camera's picture of a generated place, with the truth about it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from pipelines.simulation.scene.actors import Artist
from pipelines.simulation.scene.anomalies import Planted
from pipelines.simulation.scene.backdrop import build_backdrop
from pipelines.simulation.scene.body import Look
from pipelines.simulation.scene.canvas import Canvas
from pipelines.simulation.scene.crowd import Crowd
from pipelines.simulation.scene.geometry import Image
from pipelines.simulation.scene.lighting import Effect, Lighting
from pipelines.simulation.scene.noise import generator
from pipelines.simulation.scene.tracks import Mover, Place, Thing
from pipelines.simulation.scene.truth import FrameTruth, Instance
from pipelines.simulation.scene.views import make_view

_LEVELS = 48
"""Steps of the sun's strength: finer than the sensor's noise."""
_SMALLEST = 40 / (640 * 360)
"""An anomaly counts from this share of the picture on: 40 pixels of 640 x 360."""


class Scene:
    """One view on one day. The same view, seed, plan, size and rate give the same frames, in any order.

    Any frame can be asked for; asking in order is cheapest. Not for use by two threads at once.
    """

    def __init__(  # noqa: PLR0913 - each is one choice of a scene
        self,
        view: int,
        seed: int,
        anomalies: Sequence[Planted] = (),
        size: tuple[int, int] = (640, 360),
        fps: float = 15.0,
        *,
        empty: bool = False,
        effects: Sequence[Effect] = (),
    ) -> None:
        """`size` is width and height in pixels. In an `empty` scene nobody is about and no wind blows.

        `effects` are changes of light all over the picture.

        Raises:
            ValueError: There is no such view, or the size or the rate is not positive.
        """
        if min(size) < 32 or fps <= 0:
            raise ValueError(f"a scene of {size[0]}x{size[1]} pixels at {fps:g} frames/s cannot be drawn")
        self.view, self.seed, self.size, self.fps = view, seed, size, fps
        self.anomalies = tuple(anomalies)
        self._empty = empty
        self.layout = make_view(view)
        camera = self.layout.camera.sized(*size)
        self._backdrop = build_backdrop(self.layout, camera, view)
        self._crowd = Crowd(self.layout, self.layout.camera, view, seed)
        self._artist = Artist(camera, self.layout.light)
        self._phases = generator(view, seed, 95).uniform(0, math.tau, 8)
        self._noise = _noise_field(size, self.layout.light.noise, generator(view, seed, 96))
        self._lighting = Lighting(effects, size, view, seed)
        self._blended: tuple[int, list[Image]] | None = None
        self._last: tuple[int, Image, FrameTruth] | None = None

    def frame(self, index: int) -> Image:
        """Frame `index` (from 0): uint8 [H, W, 3], RGB."""
        return self.at(index)[0]

    def truth(self, index: int) -> FrameTruth:
        """The truth of frame `index`."""
        return self.at(index)[1]

    def frames(self, count: int, first: int = 0) -> Iterator[tuple[Image, FrameTruth]]:
        """`count` frames in a row with their truth."""
        for index in range(first, first + count):
            yield self.at(index)

    def at(self, index: int) -> tuple[Image, FrameTruth]:
        """A frame and its truth together."""
        if self._last is None or self._last[0] != index:
            self._last = (index, *self._draw(index))
        return self._last[1], self._last[2]

    def _draw(self, index: int) -> tuple[Image, FrameTruth]:
        time_s = index / self.fps
        sun = self._sun(time_s)
        canvas = Canvas(self._ground(time_s, sun), self._backdrop.hidden_beyond, self._backdrop.shadow)
        for _, actor, place, label in sorted(self._cast(time_s), key=lambda item: -item[0]):
            look = actor.look_at(time_s) if isinstance(actor, Mover) else None
            self._paint(canvas, actor, look, place, (sun, label))
        truth = self._truth(canvas.labels)
        return self._expose(canvas.picture, time_s, index), truth

    def _paint(
        self, canvas: Canvas, actor: Mover | Thing, look: Look | None, place: Place, how: tuple[float, int]
    ) -> None:
        if look is not None:
            self._artist.person(canvas, look, place, *how)
        else:
            self._artist.solid(canvas, actor.body, actor.colour, place, *how)

    def _cast(self, time_s: float) -> list[tuple[float, Mover | Thing, Place, int]]:
        """Everything that moves or was put there: distance, what, where, and its label (0: ordinary)."""
        labelled: list[tuple[Mover | Thing | None, int]] = [
            (mover, 0) for mover in ([] if self._empty else self._crowd.at(time_s))
        ]
        for label, one in enumerate(self.anomalies, start=1):
            labelled += [(mover, 0) for mover in one.bystanders]
            labelled += [(one.mover, label), (one.thing, label)]
        found = []
        for actor, label in labelled:
            place = None if actor is None else _place(actor, time_s)
            if actor is not None and place is not None:
                found.append((math.hypot(place.x, place.z), actor, place, label))
        return found

    def _truth(self, labels: Image) -> FrameTruth:
        mask = np.zeros_like(labels)
        instances = []
        smallest = max(4.0, _SMALLEST * labels.size)
        for label in np.unique(labels) if labels.any() else ():
            own = np.asarray(labels == label, np.uint8)
            area = int(own.sum())
            if label and area >= smallest:
                x, y, w, h = cv2.boundingRect(own)
                one = self.anomalies[int(label) - 1]
                instances.append(Instance(one.kind, one.id, (x, y, w, h), area))
                mask[own > 0] = 255
        return FrameTruth(mask, tuple(instances))

    def _sun(self, time_s: float) -> float:
        """How much of the sun is out: clouds pass slowly."""
        a, b = self._phases[0], self._phases[1]
        wave = 0.6 * math.sin(math.tau * time_s / 173 + a) + 0.4 * math.sin(math.tau * time_s / 71 + b)
        return (1 - self.layout.light.clouds * (0.5 + 0.5 * wave)) * self._lighting.sun(time_s)

    def _ground(self, time_s: float, sun: float) -> Image:
        """The backdrop in the light and the wind of the moment."""
        level = round(sun * _LEVELS)
        if self._blended is None or self._blended[0] != level:
            share = level / _LEVELS
            pairs = zip(self._backdrop.sunny, self._backdrop.cloudy, strict=True)
            mixed = [np.asarray(cv2.addWeighted(a, share, b, 1 - share, 0), np.uint8) for a, b in pairs]
            self._blended = (level, mixed)
        sways = self._blended[1]
        picture = sways[0].copy()
        for i, (left, top, right, bottom) in enumerate(() if self._empty else self._backdrop.crowns):
            beat = time_s * (0.35 + 0.05 * (i % 5)) + 0.35 * math.sin(time_s * 0.9 + i + self._phases[2])
            sway = math.floor((beat + i * 0.37) * len(sways)) % len(sways)
            picture[top:bottom, left:right] = sways[sway][top:bottom, left:right]
        return picture

    def _expose(self, picture: Image, time_s: float, index: int) -> Image:
        """The sensor: slow drift of exposure, then noise."""
        drift = 0.02 * math.sin(math.tau * time_s / 97 + self._phases[3]) + 0.015 * math.sin(
            math.tau * time_s / 41 + self._phases[4]
        )
        exposed = self._lighting.light(np.asarray(cv2.convertScaleAbs(picture, alpha=1 + drift), np.uint8), time_s)
        rng = generator(self.view, self.seed, 97, index)
        dx, dy = (int(v) for v in rng.integers(0, _SPARE, 2))
        noise = self._noise[int(rng.integers(len(self._noise)))][dy : dy + self.size[1], dx : dx + self.size[0]]
        if (gain := self._lighting.noise(time_s)) != 1:
            noise = np.rint(noise * gain).astype(np.int16)
        return self._lighting.develop(np.asarray(cv2.add(exposed, noise, dtype=cv2.CV_8U), np.uint8), time_s)


_SPARE = 61


def _noise_field(size: tuple[int, int], deviation: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Fields larger than a frame, of which each frame takes a random part: mostly luminance, some colour."""
    shape = (size[1] + _SPARE, size[0] + _SPARE)
    fields = []
    for _ in range(4):
        common = rng.normal(0, 0.85 * deviation, (*shape, 1))
        fields.append(np.clip(np.rint(common + rng.normal(0, 0.55 * deviation, (*shape, 3))), -40, 40).astype(np.int16))
    return fields


def _place(actor: Mover | Thing, time_s: float) -> Place | None:
    if isinstance(actor, Mover):
        return actor.at(time_s)
    if actor.starts_s <= time_s < actor.ends_s:
        return Place(actor.x, actor.z, actor.heading, 0.0, "stand", 1.0)
    return None
