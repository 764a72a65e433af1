"""Trees and shrubs: a trunk and many tufts of leaves that sway a little."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from pipelines.simulation.scene.geometry import NEAR_M, Camera, Floats, Image
from pipelines.simulation.scene.layout import Light, Prop
from pipelines.simulation.scene.noise import generator
from pipelines.simulation.scene.solids import to_sun

SWAYS = 6
"""Pictures in the loop of a swaying crown."""


@dataclass(frozen=True, slots=True, eq=False)
class Crown:
    """Tufts of leaves."""

    centres: Floats
    """[N, 3], world metres."""
    radii: Floats
    """[N], metres."""
    tones: Floats
    """[N], brightness."""
    beats: Floats
    """[N, 2], phase and strength of the sway."""


def grow(prop: Prop, light: Light, seed: int) -> Crown:
    """The crown of a tree (above its trunk) or of a shrub (from the ground up)."""
    rng = generator(seed, 72)
    tree = prop.kind == "tree"
    low = 0.32 * prop.height if tree else 0.05
    count = 420 if tree else 140
    ball = rng.standard_normal((count, 3))
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    ball *= rng.uniform(0.35, 1.0, (count, 1)) ** 0.6
    half = (prop.height - low) / 2
    centres = ball * (prop.width / 2, half, prop.depth / 2) + (prop.x, low + half, prop.z)
    facing = ball @ to_sun(light)
    tones = 0.72 + 0.34 * light.strength * 2 * facing + 0.1 * ball[:, 1] + rng.normal(0, 0.09, count)
    radii = rng.uniform(0.09, 0.17, count) * prop.width * (0.75 if tree else 0.9)
    order = np.argsort(-np.hypot(centres[:, 0], centres[:, 2]) + 1.5 * facing, kind="stable")
    beats = np.stack((rng.uniform(0, math.tau, count), rng.uniform(0.02, 0.09, count)), axis=1)
    arrays = (part[order].astype(np.float32) for part in (centres, radii, tones, beats))
    return Crown(*arrays)


def draw_crown(rgba: Image, camera: Camera, prop: Prop, crown: Crown, sway: int) -> None:
    """Draw a crown at one moment of its sway onto uint8 [H, W, 4]."""
    angle = math.tau * sway / SWAYS + crown.beats[:, 0]
    centres = crown.centres.copy()
    centres[:, 0] += crown.beats[:, 1] * np.sin(angle)
    centres[:, 1] += 0.5 * crown.beats[:, 1] * np.cos(angle)
    places, depths = camera.project(centres)
    for place, depth, radius, tone in zip(places, depths, crown.radii, crown.tones, strict=True):
        if depth < NEAR_M:
            continue
        pixels = float(radius) * camera.focal * camera.width / float(depth)
        colour = [max(6.0, min(235.0, c * float(tone))) for c in prop.colour]
        x, y = round(float(place[0]) * 8), round(float(place[1]) * 8)
        axes = (max(8, round(pixels * 8)), max(8, round(pixels * 6)))
        cv2.ellipse(rgba, (x, y), axes, 0, 0, 360, (*colour, 255.0), -1, cv2.LINE_8, 3)


def draw_trunk(rgba: Image, camera: Camera, prop: Prop) -> None:
    """Draw the trunk of a tree."""
    radius = 0.045 * prop.width + 0.04
    foot_x, foot_y, foot = camera.point(prop.x, 0, prop.z)
    top_x, top_y, top = camera.point(prop.x, 0.55 * prop.height, prop.z)
    if foot == 0 or top == 0:
        return
    for shrink, colour in ((1.0, (62, 50, 40)), (0.55, (92, 76, 60))):
        shift = -(1 - shrink) * 0.5 * radius
        left, right = shift - radius * shrink, shift + radius * shrink
        outline = (
            (foot_x + foot * left * 1.3, foot_y),
            (foot_x + foot * right * 1.3, foot_y),
            (top_x + top * right * 0.7, top_y),
            (top_x + top * left * 0.7, top_y),
        )
        cv2.fillConvexPoly(rgba, np.round(np.array(outline) * 16).astype(np.int32), (*colour, 255), cv2.LINE_8, 4)
