"""Drawing what moves: people, cars and things, each with its shadow."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from pipelines.simulation.scene.body import Gait, Look, dress, pose
from pipelines.simulation.scene.canvas import Canvas
from pipelines.simulation.scene.geometry import Camera, Floats
from pipelines.simulation.scene.layout import Colour, Light
from pipelines.simulation.scene.noise import generator
from pipelines.simulation.scene.solids import Face, box, draw_faces
from pipelines.simulation.scene.sprites import Sprite, Wardrobe, draw_figure
from pipelines.simulation.scene.tracks import Body, Place
from pipelines.simulation.scene.vehicles import car, cart

_SHADOW_SCALE = 40.0


class Artist:
    """Draws onto canvases for one camera under one light."""

    def __init__(self, camera: Camera, light: Light) -> None:
        self._camera, self._light = camera, light
        self._wardrobe = Wardrobe()
        self._shadows: dict[tuple[Gait, int, int], Sprite] = {}
        self._stand_in = dress(generator(0))

    def person(self, canvas: Canvas, look: Look, place: Place, sun: float, label: int) -> None:
        """A person (or rider) at a place; `sun` is how much of the sun is out, 0..1."""
        x, y, scale = self._camera.point(place.x, 0.0, place.z)
        if scale == 0.0:
            return
        azimuth, below = self._camera.bearing(place.x, place.z)
        sprite = self._wardrobe.figure(look, place.gait, place.phase, place.heading - azimuth, below, scale)
        distance = math.hypot(place.x, place.z)
        self._person_shadow(canvas, place, sun)
        brightness = self._brightness(canvas, x, y, sun)
        canvas.stamp(sprite, (x, y), scale, (distance, brightness, place.opacity, label))

    def solid(self, canvas: Canvas, body: Body, colour: Colour, place: Place, sun: float, label: int = 0) -> None:
        """A car, a cart or a thing at a place."""
        faces = [part.placed(place.x, place.z, place.heading) for part in _solid(body, colour)]
        self._solid_shadow(canvas, faces, place, sun)
        corners = np.concatenate([part.corners for part in faces])
        places, depths = self._camera.project(corners)
        if float(depths.min()) < 0.5:
            return
        low = np.floor(places.min(axis=0)).astype(int) - 2
        high = np.ceil(places.max(axis=0)).astype(int) + 2
        width, height = (int(v) for v in np.minimum(high - low, 4 * self._camera.width))
        if not (low[0] < self._camera.width and low[1] < self._camera.height and high[0] > 0 and high[1] > 0):
            return
        fine = self._camera.window(int(low[0]), int(low[1]), 2)
        rgba = np.zeros((height * 2, width * 2, 4), np.uint8)
        draw_faces(rgba, fine, faces, self._light)
        small = np.asarray(cv2.resize(rgba, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        x, y, _ = self._camera.point(place.x, 0.0, place.z)
        look = (math.hypot(place.x, place.z), self._brightness(canvas, x, y, sun), place.opacity, label)
        canvas.blend(small, int(low[0]), int(low[1]), look)

    def _brightness(self, canvas: Canvas, x: float, y: float, sun: float) -> float:
        shaded = canvas.shaded(x, y) * sun + (1 - sun) * 0.55
        return self._light.brightness * (1 - 0.75 * self._light.strength * shaded)

    def _person_shadow(self, canvas: Canvas, place: Place, sun: float) -> None:
        """The silhouette that the sun sees, laid on the ground; and a soft dark spot under the feet."""
        camera, (reach_x, reach_z) = self._camera, self._light.sun
        x, y, scale = camera.point(place.x, 0.0, place.z)
        self._spot(canvas, (x, y), 0.32 * scale, place, 0.3)
        strength = self._light.strength * sun * place.opacity
        if strength < 0.05:
            return
        sun_azimuth = math.atan2(reach_x, reach_z)
        sprite = self._silhouette(place, sun_azimuth)
        side = (math.cos(sun_azimuth), -math.sin(sun_azimuth))
        right_x, right_y, _ = camera.point(place.x + side[0], 0.0, place.z + side[1])
        tip_x, tip_y, tip = camera.point(place.x + reach_x, 0.0, place.z + reach_z)
        if tip == 0.0:
            return
        across = np.array((right_x - x, right_y - y)) / sprite.scale
        up = np.array((tip_x - x, tip_y - y)) / sprite.scale
        h, w = sprite.rgba.shape[:2]
        corners = [
            np.array((x, y)) + across * (u - sprite.anchor[0]) + up * (sprite.anchor[1] - v)
            for u, v in ((0, 0), (w, 0), (0, h), (w, h))
        ]
        low = np.floor(np.min(corners, axis=0)).astype(int) - 2
        size = np.ceil(np.max(corners, axis=0)).astype(int) + 2 - low
        if size.max() > 2 * camera.width or size.min() < 1:
            return
        shift = corners[0] - low
        matrix = np.array(((across[0], -up[0], shift[0]), (across[1], -up[1], shift[1])), np.float32)
        alpha = cv2.warpAffine(sprite.rgba[..., 3], matrix, (int(size[0]), int(size[1])), flags=cv2.INTER_LINEAR)
        soft = cv2.blur(alpha, (3, 3))
        canvas.darken(np.asarray(soft, np.uint8), int(low[0]), int(low[1]), strength, math.hypot(place.x, place.z))

    def _silhouette(self, place: Place, sun_azimuth: float) -> Sprite:
        step = round((place.phase % 1.0) * 16) % 16
        direction = round((place.heading - sun_azimuth) / math.tau * 16) % 16
        key = (place.gait, step, direction)
        if key not in self._shadows:
            limbs = pose(self._stand_in, place.gait, step / 16)
            self._shadows[key] = draw_figure(limbs, direction * math.tau / 16, 0.0, _SHADOW_SCALE)
        return self._shadows[key]

    def _spot(self, canvas: Canvas, at: tuple[float, float], radius: float, place: Place, strength: float) -> None:
        half = max(2, math.ceil(radius * 1.6))
        spot = np.zeros((half + 2, 2 * half + 1), np.uint8)
        axes = (max(1, round(radius)), max(1, round(radius * 0.4)))
        cv2.ellipse(spot, (half, half // 2), axes, 0, 0, 360, 255, -1, cv2.LINE_AA)
        soft = np.asarray(cv2.blur(spot, (max(1, half // 2), max(1, half // 3))), np.uint8)
        distance = math.hypot(place.x, place.z)
        canvas.darken(soft, round(at[0]) - half, round(at[1]) - half // 2, strength * place.opacity, distance)

    def _solid_shadow(self, canvas: Canvas, faces: Sequence[Face], place: Place, sun: float) -> None:
        points = np.concatenate([part.corners for part in faces])
        distance = math.hypot(place.x, place.z)
        reach = np.asarray(self._light.sun, np.float32)
        for cast, strength in ((reach, self._light.strength * sun), (np.zeros(2, np.float32), 0.4)):
            if strength < 0.05:
                continue
            flat = np.stack((points[:, 0] + points[:, 1] * cast[0], points[:, 2] + points[:, 1] * cast[1]), axis=1)
            hull = cv2.convexHull(flat.astype(np.float32)).reshape(-1, 2)
            outline = self._camera.clip([(float(px), 0.0, float(pz)) for px, pz in hull])
            if len(outline) < 3:
                continue
            self._fill_shadow(canvas, outline, strength * place.opacity, distance)

    def _fill_shadow(self, canvas: Canvas, outline: Floats, strength: float, distance: float) -> None:
        low = np.floor(np.maximum(outline.min(axis=0), -8)).astype(int) - 3
        high = (
            np.ceil(np.minimum(outline.max(axis=0), (self._camera.width + 8, self._camera.height + 8))).astype(int) + 3
        )
        if (high - low).min() < 1:
            return
        alpha = np.zeros((int(high[1] - low[1]), int(high[0] - low[0])), np.uint8)
        cv2.fillPoly(alpha, [np.round((outline - low) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        soft = np.asarray(cv2.blur(alpha, (5, 5)), np.uint8)
        canvas.darken(soft, int(low[0]), int(low[1]), strength, distance)


def _solid(body: Body, colour: Colour) -> list[Face]:
    if body == "car":
        return car(colour)
    if body == "cart":
        return cart(colour)
    if body == "suitcase":
        handle = box((0.06, 0.3, 0.3), (40, 40, 42), lift=0.75)
        return [*handle, *box((0.36, 0.78, 0.6), colour, lift=0.04)]
    return box((0.75, 0.6, 0.65), colour)
