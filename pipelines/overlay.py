"""A verdict -> the pictures of an alert: overlay, clean picture and heat map.

Cheap by uint8 arithmetic within the bounds of the attention alone; made for alerts only. Text is drawn by OpenCV's
outline fonts, so a camera may be named in any script.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.contract import Floats, Pixels
from pipelines.caption import INK, SIGNAL_COLOURS, SIGNAL_NAMES, Caption, Lettering, draw_plate, text_size
from pipelines.errors import PublishError
from pipelines.regions import attention_level
from pipelines.types import Phase, Pictures, Region, Verdict
from pipelines.zone_lines import draw_zone
from pipelines.zones import Zone

_MOST_OPAQUE = 138
"""Alpha of the hottest place, of 255: what lies beneath must stay recognisable."""
_FAINT = 0.6
"""The heat fades out at this share of the level of attention."""


class Painter:
    """Makes the pictures of alerts. Belongs to one thread."""

    def __init__(self, *, jpeg_quality: int = 80, peak_share: float = 0.5, zone: tzinfo | None = None) -> None:
        self._quality = (cv2.IMWRITE_JPEG_QUALITY, jpeg_quality)
        self._peak_share = peak_share
        self._lettering = Lettering()
        self._caption = Caption(self._lettering, zone)
        self._heat = _heat_colours()

    def paint(
        self,
        picture: Pixels,
        verdict: Verdict,
        regions: Sequence[Region],
        phase: Phase | None,
        zones: Sequence[Zone] = (),
    ) -> Pictures:
        """Encode the pictures of an alert.

        `picture` is the frame as uint8 [H, W, 3] RGB at the camera's own size; `regions` come strongest first, `zones`
        are drawn thinly. Raises
        PublishError if a picture cannot be encoded (sides beyond 65,500 pixels).
        """
        clean = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), np.uint8)
        overlay = self._overlay(clean, verdict, regions, phase, zones)
        heatmap, score_per_level = grey_levels(verdict.map)
        return Pictures(
            overlay_jpeg=_encode(".jpg", overlay, self._quality),
            clean_jpeg=_encode(".jpg", clean, self._quality),
            heatmap_png=_encode(".png", heatmap),
            picture_size=(clean.shape[1], clean.shape[0]),
            overlay_size=(overlay.shape[1], overlay.shape[0]),
            heatmap_size=(heatmap.shape[1], heatmap.shape[0]),
            score_per_level=score_per_level,
        )

    def _overlay(
        self,
        clean: Pixels,
        verdict: Verdict,
        regions: Sequence[Region],
        phase: Phase | None,
        zones: Sequence[Zone],
    ) -> Pixels:
        """uint8 [H + caption, W, 3] BGR."""
        height, width = clean.shape[:2]
        size = text_size(width, height)
        strip = self._caption.strip(verdict, phase, width, size)
        canvas: Pixels = np.concatenate((clean, strip))
        scene = canvas[:height]
        self._blend(scene, verdict)
        for zone in zones:
            draw_zone(scene, zone, self._lettering, size)
        for region in reversed(regions):
            self._outline(scene, region, size)
        return canvas

    def _blend(self, scene: Pixels, verdict: Verdict) -> None:
        """Lay the heat over the places that have the viewer's attention, in place."""
        heat = self._attention(verdict)
        places = _bounds(heat)
        if places is None:
            return
        rows, columns, part = *places, _pixels_of(scene, heat.shape, places)
        level = cv2.resize(heat[rows, columns], part.shape[1::-1], interpolation=cv2.INTER_CUBIC)
        colour = cv2.LUT(cv2.merge((level, level, level)), self._heat)
        opaque = np.minimum(cv2.convertScaleAbs(level, alpha=2.5 * _MOST_OPAQUE / 255), _MOST_OPAQUE)
        alpha = cv2.merge((opaque, opaque, opaque))
        kept = cv2.multiply(part, cv2.bitwise_not(alpha), scale=1 / 255)
        cv2.add(cv2.multiply(colour, alpha, scale=1 / 255), kept, dst=part)

    def _attention(self, verdict: Verdict) -> NDArray[np.uint8]:
        """uint8 [h, w]: 0 where there is nothing to see, 255 at the map's peak."""
        scores = np.nan_to_num(verdict.map)
        level = attention_level(scores, verdict.threshold, self._peak_share, flagged=verdict.flagged)
        low = _FAINT * level
        high = max(float(scores.max(initial=0)), 1.2 * level, low + 1e-6)
        grey: NDArray[np.uint8] = np.clip((scores - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
        return grey

    def _outline(self, scene: Pixels, region: Region, size: int) -> None:
        """Draw a region's box with its score and signal."""
        height, width = scene.shape[:2]
        left, top, right, bottom = pixel_box(region, width, height)
        thick, colour = max(1, size // 7), SIGNAL_COLOURS[region.signal]
        cv2.rectangle(scene, (left, top), (right - 1, bottom - 1), INK, thick + 2, cv2.LINE_AA)
        cv2.rectangle(scene, (left, top), (right - 1, bottom - 1), colour, thick, cv2.LINE_AA)
        self._label(scene, region, (left, top, bottom), size)

    def _label(self, scene: Pixels, region: Region, box: tuple[int, int, int], size: int) -> None:
        """Write a region's score on a plate above its box, or below, or inside where there is no room."""
        left, top, bottom = box
        height, width = scene.shape[:2]
        small = max(9, round(size * 0.85))
        text = f"{region.score:.1f} {SIGNAL_NAMES[region.signal]}" if width >= 320 else f"{region.score:.1f}"
        plate_w, plate_h = self._lettering.width(text, small, 600) + small, round(small * 1.4)
        y = next((y for y in (top - plate_h, bottom, top) if 0 <= y <= height - plate_h), 0)
        x = max(0, min(left, width - plate_w))
        draw_plate(scene, (x, y, plate_w, plate_h), SIGNAL_COLOURS[region.signal])
        self._lettering.draw(scene, text, (x + small // 2, y + round(small * 1.06)), INK, small, 600)


def _bounds(heat: NDArray[np.uint8]) -> tuple[slice, slice] | None:
    """Rows and columns of the places with any heat, and two more on each side for the interpolation to fade in."""
    left, top, width, height = cv2.boundingRect(heat)
    if not width:
        return None
    rows = slice(max(0, top - 2), min(heat.shape[0], top + height + 2))
    return rows, slice(max(0, left - 2), min(heat.shape[1], left + width + 2))


def _pixels_of(scene: Pixels, shape: tuple[int, ...], places: tuple[slice, slice]) -> Pixels:
    """The view of a picture that some rows and columns of a map of this shape lie over; never empty."""
    cut = []
    for size, count, part in zip(scene.shape, shape, places, strict=False):
        start = min(round(part.start * size / count), size - 1)
        cut.append(slice(start, max(round(part.stop * size / count), start + 1)))
    return scene[cut[0], cut[1]]


def pixel_box(region: Region, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a region in pixels; right and bottom lie just outside."""
    left, top = round(region.x * width), round(region.y * height)
    right, bottom = round((region.x + region.width) * width), round((region.y + region.height) * height)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def grey_levels(scores: Floats) -> tuple[NDArray[np.uint8], float]:
    """A map of scores, float32 [h, w], as grey levels, and the units of surprise for each level.

    The peak gets 255, so that the step is as fine as eight bits allow; scores below zero get 0.
    """
    known = np.clip(np.nan_to_num(scores, posinf=1e6), 0, 1e6)
    step = max(float(known.max(initial=0)), 1e-3) / 255
    return np.rint(known / step).astype(np.uint8), step


def _heat_colours() -> NDArray[np.uint8]:
    """uint8 [1, 256, 3]: the warm part of matplotlib's inferno, bright enough to stand out on any scene."""
    ramp = np.linspace(80, 245, 256).astype(np.uint8)[None]
    return np.asarray(cv2.applyColorMap(ramp, cv2.COLORMAP_INFERNO), np.uint8)


def _encode(kind: str, picture: NDArray[np.uint8], options: Sequence[int] = ()) -> bytes:
    encoded, data = cv2.imencode(kind, picture, options)
    if not encoded:
        raise PublishError(f"a picture of {picture.shape[1]}x{picture.shape[0]} pixels cannot be encoded as {kind}")
    return data.tobytes()
