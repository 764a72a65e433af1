"""Buildings: flat pictures of their walls, warped onto the box in pieces so that near walls come out right."""

from __future__ import annotations

import math

import cv2
import numpy as np

from pipelines.simulation.scene.geometry import NEAR_M, Camera, Floats, Image
from pipelines.simulation.scene.layout import Light, Prop
from pipelines.simulation.scene.noise import generator
from pipelines.simulation.scene.solids import shade

_PER_METRE = 20
_PIECE_M = 5.0


def draw_building(rgba: Image, camera: Camera, prop: Prop, light: Light, seed: int) -> None:
    """Draw the visible walls of a box-shaped building onto uint8 [H, W, 4]."""
    turn = math.radians(prop.turn_deg)
    cos, sin = math.cos(turn), math.sin(turn)
    half_x, half_z = prop.width / 2, prop.depth / 2
    local = ((-half_x, -half_z), (half_x, -half_z), (half_x, half_z), (-half_x, half_z))
    corners = [(prop.x + x * cos + z * sin, prop.z - x * sin + z * cos) for x, z in local]
    walls = [(corners[i], corners[(i + 1) % 4]) for i in range(4)]
    walls.sort(key=lambda wall: -math.hypot(wall[0][0] + wall[1][0], wall[0][1] + wall[1][1]))
    for index, (start, end) in enumerate(walls):
        length = math.dist(start, end)
        normal = np.array(((end[1] - start[1]) / length, 0, -(end[0] - start[0]) / length), np.float32)
        if float(normal[0] * -start[0] + normal[2] * -start[1]) <= 0:
            continue
        picture = _wall(prop, length, normal, light, seed * 7 + index)
        _hang(rgba, camera, picture, (start, end), prop.height)


def _hang(rgba: Image, camera: Camera, picture: Image, wall: tuple[tuple[float, float], ...], height: float) -> None:
    (x0, z0), (x1, z1) = wall
    pieces = max(1, round(math.hypot(x1 - x0, z1 - z0) / _PIECE_M))
    columns = np.linspace(0, picture.shape[1], pieces + 1).round().astype(int)
    for i in range(pieces):
        a, b = i / pieces, (i + 1) / pieces
        left, right = (x0 + a * (x1 - x0), z0 + a * (z1 - z0)), (x0 + b * (x1 - x0), z0 + b * (z1 - z0))
        quad = [
            (left[0], height, left[1]),
            (right[0], height, right[1]),
            (right[0], 0, right[1]),
            (left[0], 0, left[1]),
        ]
        target, depth = camera.project(quad)
        if float(depth.min()) < NEAR_M or not _in_sight(target, camera):
            continue
        part = np.ascontiguousarray(picture[:, columns[i] : columns[i + 1]])
        h, w = part.shape[:2]
        source = np.array(((0, 0), (w, 0), (w, h), (0, h)), np.float32)
        size = (camera.width, camera.height)
        warped = cv2.warpPerspective(part, cv2.getPerspectiveTransform(source, target), size, flags=cv2.INTER_AREA)
        seen = warped[..., 3] > 127
        rgba[seen] = warped[seen]


def _in_sight(target: Floats, camera: Camera) -> bool:
    low, high = target.min(axis=0), target.max(axis=0)
    return bool(high[0] > 0 and high[1] > 0 and low[0] < camera.width and low[1] < camera.height)


def _wall(prop: Prop, length: float, normal: Floats, light: Light, seed: int) -> Image:
    """A wall as it is seen straight on: uint8 [h, w, 4], `_PER_METRE` pixels a metre."""
    rng = generator(seed, 71)
    h, w = max(2, int(prop.height * _PER_METRE)), max(2, int(length * _PER_METRE))
    base = np.asarray(shade(prop.colour, normal, light), np.float32)
    rough = rng.normal(0, 3, (h, w, 1)) + cv2.resize(rng.normal(0, 5, (8, 16)), (w, h))[..., None]
    wall = np.broadcast_to(base, (h, w, 3)) + rough
    wall[:: max(2, _PER_METRE // 4)] *= 0.95
    picture = np.dstack((np.clip(wall, 0, 255), np.full((h, w), 255.0))).astype(np.uint8)
    tone = float(base.mean()) / max(1.0, sum(prop.colour) / 3)
    _openings(picture, prop, tone, rng, lit=light.lamps)
    cv2.rectangle(picture, (0, h - int(0.5 * _PER_METRE)), (w, h), (*(0.62 * float(c) for c in base), 255), -1)
    return picture


def _openings(picture: Image, prop: Prop, tone: float, rng: np.random.Generator, *, lit: bool) -> None:
    """Windows storey by storey, doors on the ground."""
    h, w = picture.shape[:2]
    bay, storey = 2.6 * _PER_METRE, 3.2 * _PER_METRE
    bays, storeys = int(w // bay), int(prop.height * _PER_METRE // storey)
    offset = (w - bays * bay) / 2
    frame = (*(min(255.0, c * tone * 1.15) for c in prop.colour), 255.0)
    for row in range(storeys):
        for column in range(bays):
            x = int(offset + column * bay + 0.6 * _PER_METRE)
            door = row == 0 and column % 4 == 2
            top = int(h - (row + 1) * storey + (1.0 if door else 0.7) * _PER_METRE)
            tall = int((2.2 if door else 1.6) * _PER_METRE)
            right, bottom = x + int(1.4 * _PER_METRE), top + tall
            glow = lit and rng.random() < 0.3
            glass = np.array((236, 204, 140) if glow else (62, 74, 88)) * (1 if glow else tone) * rng.uniform(0.8, 1.2)
            pane = (78 * tone, 58 * tone, 44 * tone, 255) if door else (*np.clip(glass, 0, 255).tolist(), 255)
            cv2.rectangle(picture, (x - 2, top - 2), (right + 2, bottom + 2), frame, -1)
            cv2.rectangle(picture, (x, top), (right, bottom), pane, -1)
            cv2.line(picture, ((x + right) // 2, top), ((x + right) // 2, bottom), frame, 1)
