"""Things with flat faces: made in metres, turned and set on the ground, drawn from far to near."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from pipelines.simulation.scene.geometry import Camera, Floats, Image
from pipelines.simulation.scene.layout import Colour, Light


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A flat convex polygon, seen from the side that its normal points to."""

    corners: Floats
    """[N, 3], metres."""
    normal: Floats
    """[3], of length 1."""
    colour: Colour
    glow: float = 0.0
    """1 shines by itself, whatever the light."""

    def placed(self, x: float, z: float, heading: float) -> Face:
        """Turned so that its own z axis points along `heading` (azimuth, radians), then moved."""
        cos, sin = math.cos(heading), math.sin(heading)
        turn = np.array(((cos, 0, -sin), (0, 1, 0), (sin, 0, cos)), np.float32)
        shift = np.array((x, 0, z), np.float32)
        return Face(self.corners @ turn + shift, self.normal @ turn, self.colour, self.glow)


def face(corners: Sequence[Sequence[float]], inside: Sequence[float], colour: Colour, glow: float = 0.0) -> Face:
    """A face whose normal points away from the point `inside` the body."""
    points = np.asarray(corners, np.float32)
    normal = np.cross(points[1] - points[0], points[2] - points[0])
    normal = normal / max(float(np.linalg.norm(normal)), 1e-9)
    if float(normal @ (points.mean(axis=0) - np.asarray(inside, np.float32))) < 0:
        normal = -normal
    return Face(points, normal.astype(np.float32), colour, glow)


def box(size: tuple[float, float, float], colour: Colour, lift: float = 0.0) -> list[Face]:
    """A box of width (x), height (y) and depth (z) around the origin, `lift` metres off the ground."""
    half_x, half_z = size[0] / 2, size[2] / 2
    profile = ((-half_z, lift), (half_z, lift), (half_z, lift + size[1]), (-half_z, lift + size[1]))
    return extrude(profile, half_x, colour)


def extrude(profile: Sequence[tuple[float, float]], half: float, colour: Colour, taper: float = 0.0) -> list[Face]:
    """A convex side view of (z, y) points, made `2 * half` wide along x; `taper` metres narrower a metre of height."""
    low = min(y for _, y in profile)
    left = [(-half + taper * (y - low), y, z) for z, y in profile]
    right = [(half - taper * (y - low), y, z) for z, y in profile]
    centre = (0.0, sum(y for _, y in profile) / len(profile), sum(z for z, _ in profile) / len(profile))
    faces = [face(left, centre, colour), face(right, centre, colour)]
    for i in range(len(profile)):
        j = (i + 1) % len(profile)
        faces.append(face((left[i], left[j], right[j], right[i]), centre, colour))
    return faces


def to_sun(light: Light) -> Floats:
    """The direction of the sun, of length 1."""
    direction = np.array((-light.sun[0], 1.0, -light.sun[1]), np.float32)
    return np.asarray(direction / np.linalg.norm(direction), np.float32)


def shade(colour: Colour, normal: Floats, light: Light) -> tuple[float, float, float]:
    """A surface's colour under the sun and the sky."""
    sun = max(0.0, float(normal @ to_sun(light)))
    sky = 0.5 + 0.5 * float(normal[1])
    lit = 1 - light.strength + light.strength * (1.5 * sun) - 0.18 * (1 - sky)
    r, g, b = (min(255.0, channel * max(0.25, min(1.25, lit))) for channel in colour)
    return r, g, b


def draw_faces(rgba: Image, camera: Camera, faces: Sequence[Face], light: Light) -> None:
    """Draw those faces that look at the camera onto uint8 [H, W, 4], in the order given."""
    eye = np.array((0, camera.height_m, 0), np.float32)
    for part in faces:
        if float(part.normal @ (eye - part.corners.mean(axis=0))) <= 0:
            continue
        outline = camera.clip(part.corners)
        if len(outline):
            colour = shade(part.colour, part.normal, light)
            mixed = [c * (1 - part.glow) + o * part.glow for c, o in zip(colour, part.colour, strict=True)]
            cv2.fillConvexPoly(rgba, np.round(outline * 16).astype(np.int32), (*mixed, 255), cv2.LINE_8, 4)
