"""Outlines that the places are put together from."""

from __future__ import annotations

import math

from pipelines.simulation.scene.layout import Colour, Material, Patch, Point

WHITE: Colour = (206, 206, 198)


def rect(x0: float, x1: float, z0: float, z1: float, material: Material, colour: Colour) -> Patch:
    """A rectangle along the axes."""
    return Patch(((x0, z0), (x1, z0), (x1, z1), (x0, z1)), material, colour)


def strip(path: tuple[Point, ...], width: float, material: Material, colour: Colour) -> Patch:
    """A band along a path."""
    left, right = [], []
    for i, (x, z) in enumerate(path):
        before, after = path[max(0, i - 1)], path[min(len(path) - 1, i + 1)]
        angle = math.atan2(after[0] - before[0], after[1] - before[1])
        side_x, side_z = math.cos(angle) * width / 2, -math.sin(angle) * width / 2
        left.append((x - side_x, z - side_z))
        right.append((x + side_x, z + side_z))
    return Patch((*left, *reversed(right)), material, colour)


def arrow(x: float, z: float, toward: Point, size: float = 1.6, colour: Colour = WHITE) -> tuple[Patch, Patch]:
    """An arrow painted on the ground: shaft and head; it points along the direction `toward`."""
    length = math.hypot(*toward)
    along, side = (toward[0] / length, toward[1] / length), (toward[1] / length, -toward[0] / length)

    def at(forward: float, across: float) -> Point:
        return (
            x + size * (forward * along[0] + across * side[0]),
            z + size * (forward * along[1] + across * side[1]),
        )

    shaft = (at(-0.6, -0.07), at(-0.6, 0.07), at(0.15, 0.07), at(0.15, -0.07))
    head = (at(0.15, -0.22), at(0.6, 0.0), at(0.15, 0.22))
    return Patch(shaft, "paint", colour), Patch(head, "paint", colour)


def dashes(x0: float, x1: float, z: float, width: float = 0.14, step: float = 4.0) -> tuple[Patch, ...]:
    """A broken line along x."""
    count = int((x1 - x0) / step)
    return tuple(
        rect(x0 + i * step, x0 + i * step + step / 2, z - width / 2, z + width / 2, "paint", WHITE)
        for i in range(count)
    )
