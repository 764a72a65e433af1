"""Painting the ground: each material is a function of the world's x and z, so that perspective comes by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from pipelines.simulation.scene.geometry import Camera, Floats
from pipelines.simulation.scene.layout import Colour, Light, Material, Patch
from pipelines.simulation.scene.noise import Grain


@dataclass(frozen=True, slots=True)
class _Field:
    """The ground under every pixel."""

    x: Floats
    z: Floats
    footprint: Floats
    """Metres that a pixel covers: detail finer than that fades out instead of flickering."""
    grain: Grain

    def fade(self, detail_m: float) -> Floats:
        return np.asarray(np.clip(detail_m / self.footprint, 0, 1), np.float32)

    def noise(self, per_metre: float) -> Floats:
        return self.grain.at(self.x, self.z, per_metre) * self.fade(2.0 / per_metre)


def _flat(field: _Field, colour: Colour, broad: float, fine: float, per_metre: float = 30) -> Floats:
    change = broad * field.noise(2.0) + fine * field.noise(per_metre)
    return np.asarray(np.asarray(colour, np.float32) + change[..., None], np.float32)


def _grid(field: _Field, colour: Colour, across: float, along: float, joint: float) -> Floats:
    """Slabs of `across` x `along` metres with joints between, every second row shifted by half."""
    row = np.floor(field.z / along)
    shifted = field.x / across + 0.5 * np.mod(row, 2)
    column = np.floor(shifted)
    near_x = np.minimum(shifted - column, 1 - shifted + column) * across
    near_z = np.minimum(field.z / along - row, 1 - field.z / along + row) * along
    width = joint + 0.5 * field.footprint
    line = np.clip(1 - np.minimum(near_x, near_z) / width, 0, 1) * field.fade(6 * joint)
    tone = 7 * field.grain.cell(column, row) * field.fade(along)
    surface = _flat(field, colour, 4, 4) + tone[..., None]
    return np.asarray(surface * (1 - 0.35 * line[..., None]), np.float32)


def _grass(field: _Field, colour: Colour) -> Floats:
    blades = 9 * field.noise(9) + 9 * field.noise(45)
    dry = np.clip(field.noise(1.2) * 0.5, -1, 1)[..., None] * np.array((12, 3, -4), np.float32)
    green = blades[..., None] * np.array((0.8, 1.0, 0.6), np.float32)
    return np.asarray(np.asarray(colour, np.float32) + green + dry, np.float32)


def _water(field: _Field, colour: Colour) -> Floats:
    ripples = field.grain.at(field.x * 0.3, field.z, 14) * field.fade(0.3)
    change = 7 * ripples + 4 * field.noise(1.0)
    return np.asarray(np.asarray(colour, np.float32) + change[..., None], np.float32)


_MATERIALS: dict[Material, Callable[[_Field, Colour], Floats]] = {
    "asphalt": lambda field, colour: _flat(field, colour, 5, 6, 50),
    "paving": lambda field, colour: _grid(field, colour, 0.6, 0.4, 0.015),
    "slabs": lambda field, colour: _grid(field, colour, 1.5, 1.5, 0.03),
    "cobbles": lambda field, colour: _grid(field, colour, 0.22, 0.16, 0.025),
    "grass": _grass,
    "gravel": lambda field, colour: _flat(field, colour, 5, 11, 45),
    "planks": lambda field, colour: _grid(field, colour, 3.0, 0.2, 0.015),
    "tiles": lambda field, colour: _grid(field, colour, 0.9, 0.9, 0.012),
    "water": _water,
    "snow": lambda field, colour: _flat(field, colour, 5, 3),
    "paint": lambda field, colour: _flat(field, colour, 2, 7, 40),
}


def paint_ground(camera: Camera, base: Patch, patches: tuple[Patch, ...], light: Light, grain: Grain) -> Floats:
    """The empty ground and the sky above it in full light: float32 [H, W, 3], 0..255."""
    x, z, distance = camera.ground()
    far = np.isinf(distance)
    reach = np.minimum(distance, 400)
    footprint = reach / (camera.focal * camera.width) * np.maximum(1, reach / camera.height_m * 0.5)
    near_x, near_z = np.clip(x, -500, 500), np.clip(z, -500, 500)
    field = _Field(near_x, near_z, footprint.astype(np.float32), grain)
    picture = _MATERIALS[base.material](field, base.colour)
    for patch in patches:
        share = outline_mask(camera, patch.outline)[..., None]
        if share.any():
            picture = picture * (1 - share) + _MATERIALS[patch.material](field, patch.colour) * share
    haze = np.where(far, 1.0, 1 - np.exp(-reach / 260))[..., None]
    return np.asarray(picture * (1 - haze) + _sky(camera, light, grain) * haze, np.float32)


def outline_mask(camera: Camera, outline: tuple[tuple[float, float], ...]) -> Floats:
    """How much of each pixel a polygon on the ground covers: float32 [H, W], 0..1."""
    mask = np.zeros((camera.height, camera.width), np.uint8)
    corners = camera.clip([(x, 0.0, z) for x, z in outline])
    if len(corners):
        cv2.fillPoly(mask, [np.round(corners * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return np.asarray(mask.astype(np.float32) / 255, np.float32)


def _sky(camera: Camera, light: Light, grain: Grain) -> Floats:
    rows, columns = np.mgrid[0 : camera.height, 0 : camera.width].astype(np.float32)
    horizon = camera.height / 2 - camera.focal * camera.width * np.tan(np.radians(camera.pitch_deg))
    up = np.clip((horizon - rows) / (0.35 * camera.width), 0, 1)[..., None]
    clouds = grain.at(columns / camera.width * 60, rows / camera.width * 180, 1.0)[..., None]
    blend = np.asarray(light.haze, np.float32) * (1 - up) + np.asarray(light.sky, np.float32) * up
    return np.asarray(np.clip(blend + 6 * clouds, 0, 255), np.float32)
