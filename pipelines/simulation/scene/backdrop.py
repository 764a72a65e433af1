"""All that does not move, drawn once: in sun and under cloud, with its shadows and what hides what."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.simulation.scene.facades import draw_building
from pipelines.simulation.scene.furniture import furniture, heading
from pipelines.simulation.scene.geometry import Camera, Floats, Image
from pipelines.simulation.scene.ground import paint_ground
from pipelines.simulation.scene.layout import Light, Prop, View
from pipelines.simulation.scene.noise import Grain, generator
from pipelines.simulation.scene.plants import SWAYS, Crown, draw_crown, draw_trunk, grow
from pipelines.simulation.scene.shade import cast_shadows, lamp_light
from pipelines.simulation.scene.solids import draw_faces

_FINE = 2
"""The backdrop is drawn this many times larger and shrunk."""


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """The empty view."""

    sunny: tuple[Image, ...]
    """uint8 [H, W, 3] for each moment of the crowns' sway."""
    cloudy: tuple[Image, ...]
    hidden_beyond: Floats
    """[H, W]: what is farther away than this many metres is hidden by a prop; inf where there is none."""
    shadow: Floats
    """[H, W], 0..1: how much of the ground there lies in a prop's shadow."""
    crowns: tuple[tuple[int, int, int, int], ...]
    """Boxes (left, top, right, bottom) of what sways."""


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """One prop, cut out: premultiplied nothing, plain uint8 [h, w, 4] at a corner."""

    rgba: Image
    left: int
    top: int
    distance: float


def build_backdrop(view: View, camera: Camera, key: int) -> Backdrop:
    """Draw everything that stands still in a view; `key` seeds its textures."""
    fine = camera.sized(camera.width * _FINE, camera.height * _FINE)
    grain = Grain(generator(key, 70))
    ground = paint_ground(fine, view.ground, view.patches, view.light, grain)
    props = sorted(enumerate(view.props), key=lambda item: -math.hypot(item[1].x, item[1].z))
    crowns = {i: grow(prop, view.light, key * 1000 + i) for i, prop in props if prop.kind in {"tree", "shrub"}}
    shadow = cast_shadows(fine, view, crowns)
    glow = lamp_light(fine, view)
    strength = view.light.strength
    tint = np.asarray(view.light.tint, np.float32) * view.light.brightness
    cold = np.array((0.9, 0.95, 1.06), np.float32)
    lit = ground * (1 - strength * shadow[..., None] * (2 - cold)) * tint + glow
    dull = ground * (1 - 0.3 * strength) * (0.97 * cold + 0.03) * tint + glow
    still = {i: _draw(fine, prop, view.light, key * 1000 + i) for i, prop in props if i not in crowns}
    sunny, cloudy = [], []
    for sway in range(SWAYS):
        layers = [still[i] if i in still else _draw_plant(fine, p, crowns[i], sway) for i, p in props]
        sunny.append(_flatten(lit, layers, tint))
        cloudy.append(_flatten(dull, layers, tint * (1 - 0.22 * strength) * cold))
        last = layers
    boxes = tuple(_box(last[n]) for n, (i, _) in enumerate(props) if i in crowns)
    small = (camera.width, camera.height)
    hidden = cv2.resize(_hidden(fine, last, [prop for _, prop in props]), small, interpolation=cv2.INTER_NEAREST)
    shrunk = cv2.resize(shadow, small, interpolation=cv2.INTER_AREA)
    return Backdrop(tuple(sunny), tuple(cloudy), np.asarray(hidden, np.float32), np.asarray(shrunk, np.float32), boxes)


def _draw(camera: Camera, prop: Prop, light: Light, seed: int) -> _Layer:
    canvas = np.zeros((camera.height, camera.width, 4), np.uint8)
    if prop.kind == "building":
        draw_building(canvas, camera, prop, light, seed)
    else:
        turned = [part.placed(prop.x, prop.z, heading(prop)) for part in furniture(prop, light)]
        draw_faces(canvas, camera, turned, light)
    return _cut(canvas, prop)


def _draw_plant(camera: Camera, prop: Prop, crown: Crown, sway: int) -> _Layer:
    canvas = np.zeros((camera.height, camera.width, 4), np.uint8)
    if prop.kind == "tree":
        draw_trunk(canvas, camera, prop)
    draw_crown(canvas, camera, prop, crown, sway)
    return _cut(canvas, prop)


def _cut(canvas: Image, prop: Prop) -> _Layer:
    left, top, width, height = cv2.boundingRect(np.ascontiguousarray(canvas[..., 3]))
    piece = canvas[top : top + height, left : left + width].copy()
    nearest = math.hypot(prop.x, prop.z)
    return _Layer(piece, left, top, nearest)


def _box(layer: _Layer) -> tuple[int, int, int, int]:
    h, w = layer.rgba.shape[:2]
    return (layer.left // _FINE, layer.top // _FINE, -(-(layer.left + w) // _FINE), -(-(layer.top + h) // _FINE))


def _flatten(ground: Floats, layers: list[_Layer], tint: NDArray[np.float32]) -> Image:
    picture = np.clip(ground, 0, 255).astype(np.uint8)
    for layer in layers:
        h, w = layer.rgba.shape[:2]
        region = picture[layer.top : layer.top + h, layer.left : layer.left + w]
        seen = layer.rgba[..., 3] > 127
        region[seen] = np.clip(layer.rgba[..., :3][seen] * tint, 0, 255).astype(np.uint8)
    size = (picture.shape[1] // _FINE, picture.shape[0] // _FINE)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _hidden(camera: Camera, layers: list[_Layer], props: list[Prop]) -> Floats:
    depth = np.full((camera.height, camera.width), np.inf, np.float32)
    x, z, ground = camera.ground()
    for layer, prop in zip(layers, props, strict=True):
        h, w = layer.rgba.shape[:2]
        area = (slice(layer.top, layer.top + h), slice(layer.left, layer.left + w))
        seen = layer.rgba[..., 3] > 127
        if prop.kind == "building" and seen.any():
            foot = np.minimum(layer.top + h - 1 - np.argmax(seen[::-1], axis=0), camera.height - 1)
            distance = np.broadcast_to(ground[foot, np.arange(layer.left, layer.left + w)], (h, w))
        elif prop.width > 1.5 and prop.kind in {"rail", "planter"}:
            distance = _to_line(prop, x[area], z[area])
        else:
            distance = np.full((h, w), layer.distance, np.float32)
        depth[area][seen] = distance[seen]
    return depth


def _to_line(prop: Prop, x: Floats, z: Floats) -> Floats:
    """How far away the line through a long prop is in the direction of each pixel."""
    turn = math.radians(prop.turn_deg)
    normal = (math.sin(turn), math.cos(turn))
    offset = normal[0] * prop.x + normal[1] * prop.z
    toward = (normal[0] * x + normal[1] * z) / np.maximum(np.hypot(x, z), 1e-6)
    return np.asarray(np.abs(offset) / np.maximum(np.abs(toward), 0.05), np.float32)
