"""Draws the outline of a zone on a picture, thinly, with its name: it is a frame of reference, not what to look at."""

from __future__ import annotations

from engines.contract import Pixels
from pipelines.caption import INK, Colour, Lettering
from pipelines.polygon import outline
from pipelines.zones import Zone

COUNTS: Colour = (240, 225, 150)
IGNORED: Colour = (222, 217, 212)
"""Of a zone whose weight is 0."""
_HALO = 1


def draw_zone(scene: Pixels, zone: Zone, lettering: Lettering, size: int, words: str | None = None) -> None:
    """Draw on a uint8 [H, W, 3] BGR picture, in place; `size` is the em of its text, `words` stand for the name."""
    colour, thin = (COUNTS if zone.weight else IGNORED), max(1, size // 14)
    outline(scene, zone.corners, INK, thin + _HALO)
    outline(scene, zone.corners, colour, thin)
    _name(scene, zone, lettering, max(9, round(size * 0.8)), words or zone.name)


def _name(scene: Pixels, zone: Zone, lettering: Lettering, size: int, text: str) -> None:
    """Below the zone's highest corner, where that is inside of the picture."""
    height, width = scene.shape[:2]
    x, y = min(zone.corners, key=lambda corner: (corner[1], corner[0]))
    text = lettering.fit(text, width - size, size, 600)
    left = min(round(x * width) + size // 2, width - lettering.width(text, size, 600) - size // 2)
    base = min(round(y * height) + round(size * 1.3), height - size // 2)
    at = max(size // 4, left), base
    lettering.draw(scene, text, (at[0] + 1, at[1] + 1), INK, size, 600)
    lettering.draw(scene, text, at, COUNTS if zone.weight else IGNORED, size, 600)
