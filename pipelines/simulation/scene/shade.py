"""Light on the ground: shadows of what stands about, and the pools of light under lamps."""

from __future__ import annotations

import math
from collections.abc import Mapping

import cv2
import numpy as np

from pipelines.simulation.scene.furniture import furniture, heading
from pipelines.simulation.scene.geometry import Camera, Floats, Image
from pipelines.simulation.scene.layout import Prop, View
from pipelines.simulation.scene.plants import Crown


def cast_shadows(camera: Camera, view: View, crowns: Mapping[int, Crown]) -> Floats:
    """How much of the ground under each pixel is in shadow: float32 [H, W], 0..1, with soft edges."""
    mask = np.zeros((camera.height, camera.width), np.uint8)
    if view.light.strength > 0.05:
        for index, prop in enumerate(view.props):
            if index in crowns:
                _crown_shadow(mask, camera, view, crowns[index])
            elif prop.kind == "building":
                _hull_shadow(mask, camera, view, _building_points(prop))
            else:
                for part in furniture(prop, view.light):
                    _hull_shadow(mask, camera, view, part.placed(prop.x, prop.z, heading(prop)).corners)
    soft = cv2.GaussianBlur(mask, (0, 0), camera.width / 640)
    contact = _contacts(camera, view)
    return np.asarray(np.maximum(np.asarray(soft, np.float32) / 255, contact), np.float32)


def _contacts(camera: Camera, view: View) -> Floats:
    """The dark rim where a thing meets the ground, whatever the sun."""
    mask = np.zeros((camera.height, camera.width), np.uint8)
    for prop in view.props:
        if prop.kind in {"car", "planter", "column", "shrub", "bench", "bin"}:
            outline = camera.clip([(x, 0, z) for x, _, z in _building_points(prop, grow=0.15)[:4]])
            if len(outline):
                cv2.fillConvexPoly(mask, np.round(outline * 16).astype(np.int32), 200, cv2.LINE_AA, 4)
    soft = cv2.GaussianBlur(mask, (0, 0), camera.width / 320)
    return np.asarray(soft, np.float32) / np.float32(255)


def _building_points(prop: Prop, grow: float = 0.0) -> Floats:
    turn = math.radians(prop.turn_deg)
    cos, sin = math.cos(turn), math.sin(turn)
    wide, deep = (1.8, 4.3) if prop.kind == "car" else (prop.width, prop.depth)
    half_x, half_z = wide / 2 + grow, deep / 2 + grow
    corners = ((-half_x, -half_z), (half_x, -half_z), (half_x, half_z), (-half_x, half_z))
    ring = [(prop.x + x * cos + z * sin, prop.z - x * sin + z * cos) for x, z in corners]
    return np.array([(x, y, z) for y in (0.0, prop.height) for x, z in ring], np.float32)


def _hull_shadow(mask: Image, camera: Camera, view: View, points: Floats) -> None:
    flat = np.stack(
        (points[:, 0] + points[:, 1] * view.light.sun[0], points[:, 2] + points[:, 1] * view.light.sun[1]), 1
    )
    hull = cv2.convexHull(flat.astype(np.float32)).reshape(-1, 2)
    outline = camera.clip([(float(x), 0.0, float(z)) for x, z in hull])
    if len(outline):
        cv2.fillConvexPoly(mask, np.round(outline * 16).astype(np.int32), 255, cv2.LINE_AA, 4)


def _crown_shadow(mask: Image, camera: Camera, view: View, crown: Crown) -> None:
    reach_x, reach_z = view.light.sun
    angles = np.linspace(0, math.tau, 9)[:-1]
    for centre, radius in zip(crown.centres, crown.radii, strict=True):
        x, z = centre[0] + centre[1] * reach_x, centre[2] + centre[1] * reach_z
        ring = [(x + radius * math.cos(a), 0.0, z + radius * math.sin(a)) for a in angles]
        outline = camera.clip(ring)
        if len(outline):
            cv2.fillConvexPoly(mask, np.round(outline * 16).astype(np.int32), 255, cv2.LINE_8, 4)


def lamp_light(camera: Camera, view: View) -> Floats:
    """What lit lamps add to the ground: float32 [H, W, 3], grey levels."""
    glow = np.zeros((camera.height, camera.width, 3), np.float32)
    if view.light.lamps:
        x, z, _ = camera.ground()
        for prop in view.props:
            if prop.kind == "lamp":
                turn = math.radians(prop.turn_deg)
                spot_x, spot_z = prop.x + 0.8 * math.cos(turn), prop.z - 0.8 * math.sin(turn)
                near = np.exp(-((x - spot_x) ** 2 + (z - spot_z) ** 2) / (2 * (0.75 * prop.height) ** 2))
                glow += near[..., None] * np.array((74, 58, 34), np.float32)
    return glow
