"""The camera and the ground it looks at.

The world is in metres: x to the right, y up, z away; the ground is y = 0 and the camera stands at x = z = 0. A
pinhole camera (Hartley and Zisserman, Multiple View Geometry, 2nd ed., chapter 6) without lens distortion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float32]
Image: TypeAlias = NDArray[np.uint8]

NEAR_M = 0.4
"""What is nearer than this to the camera's plane is not drawn."""


@dataclass(frozen=True, slots=True)
class Camera:
    """Where the camera hangs, where it looks and how large its picture is."""

    height_m: float
    pitch_deg: float
    """How far it looks below the horizon."""
    yaw_deg: float = 0.0
    """How far it is turned to the right of the z axis."""
    focal: float = 0.9
    """Focal length as a share of the picture's width: 0.9 is a horizontal field of view of 58 degrees."""
    width: int = 640
    height: int = 360
    corner: tuple[int, int] = (0, 0)
    """Left and top of the part of the picture that is looked at, pixels."""
    zoom: int = 1
    """How many times that part is enlarged."""

    def sized(self, width: int, height: int) -> Camera:
        """The same camera with a picture of another size; the horizontal field of view stays."""
        return replace(self, width=width, height=height)

    def window(self, left: int, top: int, zoom: int) -> Camera:
        """The same camera, its pixels counted from a corner and enlarged."""
        return replace(self, corner=(left, top), zoom=zoom)

    def project(self, points: ArrayLike) -> tuple[Floats, Floats]:
        """Picture positions float32 [N, 2] in pixels and depths float32 [N] in metres of world points [N, 3].

        Positions of points with a depth under `NEAR_M` mean nothing.
        """
        world = np.asarray(points, np.float32).reshape(-1, 3)
        yaw, pitch = math.radians(self.yaw_deg), math.radians(self.pitch_deg)
        right = world[:, 0] * math.cos(yaw) - world[:, 2] * math.sin(yaw)
        ahead = world[:, 0] * math.sin(yaw) + world[:, 2] * math.cos(yaw)
        below = self.height_m - world[:, 1]
        depth = ahead * math.cos(pitch) + below * math.sin(pitch)
        down = below * math.cos(pitch) - ahead * math.sin(pitch)
        scale = self.focal * self.width / np.maximum(depth, 1e-3)
        pixels = np.stack((self.width / 2 + scale * right, self.height / 2 + scale * down), axis=1)
        seen = (pixels - self.corner) * self.zoom
        return seen.astype(np.float32), depth.astype(np.float32)

    def point(self, x: float, y: float, z: float) -> tuple[float, float, float]:
        """Picture position and pixels per metre of one world point; 0 pixels per metre when it is behind."""
        pixels, depth = self.project(((x, y, z),))
        scale = self.focal * self.width / float(depth[0]) if depth[0] > NEAR_M else 0.0
        return float(pixels[0, 0]), float(pixels[0, 1]), scale

    def ground(self) -> tuple[Floats, Floats, Floats]:
        """World x, z and distance float32 [H, W] of the ground under every pixel; distance is inf in the sky."""
        yaw, pitch = math.radians(self.yaw_deg), math.radians(self.pitch_deg)
        focal = self.focal * self.width
        across = (np.arange(self.width, dtype=np.float32) + 0.5 - self.width / 2) / focal
        down = ((np.arange(self.height, dtype=np.float32) + 0.5 - self.height / 2) / focal)[:, None]
        fall = math.sin(pitch) + down * math.cos(pitch)
        reach = self.height_m / np.maximum(fall, 1e-4)
        ahead = np.broadcast_to(reach * (math.cos(pitch) - down * math.sin(pitch)), (self.height, self.width))
        right = reach * across
        x = right * math.cos(yaw) + ahead * math.sin(yaw)
        z = ahead * math.cos(yaw) - right * math.sin(yaw)
        distance = np.where(fall > 1e-3, np.hypot(right, ahead), np.inf)
        return x.astype(np.float32), z.astype(np.float32), distance.astype(np.float32)

    def bearing(self, x: float, z: float) -> tuple[float, float]:
        """Direction in which the camera sees a point of the ground: azimuth and angle below level, radians."""
        return math.atan2(x, z), math.atan2(self.height_m, math.hypot(x, z))

    def clip(self, polygon: ArrayLike) -> Floats:
        """Picture outline float32 [M, 2] of a world polygon [N, 3], cut at the near plane; M is 0 if all is behind.

        Sutherland and Hodgman, Reentrant polygon clipping, 1974, against one plane.
        """
        world = np.asarray(polygon, np.float32).reshape(-1, 3)
        _, depth = self.project(world)
        kept: list[Floats] = []
        for i in range(len(world)):
            j = (i + 1) % len(world)
            inside, next_inside = depth[i] >= NEAR_M, depth[j] >= NEAR_M
            if inside:
                kept.append(world[i])
            if inside != next_inside:
                share = (NEAR_M - depth[i]) / (depth[j] - depth[i])
                kept.append(world[i] + share * (world[j] - world[i]))
        if len(kept) < 3:
            return np.zeros((0, 2), np.float32)
        return np.clip(self.project(np.array(kept))[0], -100_000, 100_000)
