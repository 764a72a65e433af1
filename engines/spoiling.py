"""Anomalies made by rule, for learning how much each view's word is worth: normal frames and motion, spoilt.

Pasted and blended patches and textures shaped by noise stand for things that were never there, after CutPaste (Li et
al., CVPR 2021), NSA (Schlueter et al., ECCV 2022) and DRAEM (Zavrtanik et al., ICCV 2021); an erased object stands for
one that is gone. Motion is sped up, turned back or frozen where something moves. Their strengths reach from invisible
to blatant: what every weighting finds, or none, teaches nothing.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.contract import Floats, Pixels

Kind: TypeAlias = Literal["patch", "blend", "texture", "erased"]
KINDS: Final[tuple[Kind, ...]] = ("patch", "blend", "texture", "erased")
Mask: TypeAlias = NDArray[np.bool_]
Turn: TypeAlias = Literal["faster", "reversed", "frozen"]
TURNS: Final[tuple[Turn, ...]] = ("faster", "reversed", "frozen")

_SIZES: Final = (0.05, 0.2)
"""Height and width of a spoilt part, as shares of the picture's."""
_OPACITY: Final = (0.3, 1.0)
_FASTER: Final = (1.2, 3.0)
_INTRUDER: Final = (0.5, 2.0)
"""How fast an intruder is, of how fast others are."""
_MOVES: Final = 1.0
"""Pixels of displacement from which something counts as moving."""


def spoil(kind: Kind, pixels: Pixels, other: Pixels, rng: np.random.Generator) -> tuple[Pixels, Mask]:
    """Spoil a part of a frame, uint8 [H, W, 3]; `other` is another frame to take patches from.

    Returns a new frame, and which part of it is spoilt.
    """
    mask = _ellipse(pixels.shape[:2], rng)
    if kind == "erased":
        return np.asarray(cv2.inpaint(pixels, mask, 3, cv2.INPAINT_TELEA), np.uint8), mask > 0
    cover = mask * np.float32(rng.uniform(*_OPACITY) / 255)
    if kind == "blend":
        cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), pixels.shape[0] / 64), np.float32)
    if kind == "texture":
        strange = _texture(pixels.shape, rng)
        cover = cover * (_noise(pixels.shape[:2], 12, rng) > 0)
    else:
        strange = np.roll(other, rng.integers(0, pixels.shape[0], 2), axis=(0, 1))
    mixed = pixels + cover[..., None] * (strange.astype(np.float32) - pixels)
    return np.rint(mixed).astype(np.uint8), mask > 0


def move(mask: Mask, field: Floats, rng: np.random.Generator) -> Floats:
    """Let a part of the frame, bool [H, W], move about as things do in `field`, float32 [CELLS, CELLS, 2]."""
    pace = np.linalg.norm(field, axis=-1)
    moving = field[pace > _MOVES]
    usual = moving[rng.integers(len(moving))] if len(moving) else rng.normal(0, _MOVES, 2)
    part = cv2.resize(mask.astype(np.uint8), field.shape[1::-1], interpolation=cv2.INTER_AREA) > 0
    return np.where(part[..., None], np.float32(rng.uniform(*_INTRUDER)) * usual.astype(np.float32), field)


def turn(kind: Turn, field: Floats, rng: np.random.Generator) -> Floats | None:
    """Change how one thing moves in displacements, float32 [CELLS, CELLS, 2].

    Returns the new displacements; None where nothing moves.
    """
    pace = np.linalg.norm(field, axis=-1)
    count, bodies = cv2.connectedComponents((pace > _MOVES).astype(np.uint8))
    if count < 2:
        return None
    body = bodies == rng.integers(1, count)
    by = {"faster": float(rng.uniform(*_FASTER)), "reversed": -1.0, "frozen": 0.0}[kind]
    return np.where(body[..., None], field * np.float32(by), field)


def _ellipse(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.uint8]:
    height, width = shape
    axes = (rng.uniform(*_SIZES, 2) * (width, height) / 2).round().astype(int).tolist()
    centre = (rng.uniform(0.05, 0.95, 2) * (width, height)).round().astype(int).tolist()
    mask = np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, centre, axes, float(rng.uniform(0, 180)), 0, 360, 255, -1)
    return mask


def _texture(shape: tuple[int, ...], rng: np.random.Generator) -> Pixels:
    """Two colours mixed by noise of some fineness."""
    colours = rng.uniform(0, 255, (2, 3)).astype(np.float32)
    mix = (1 + np.tanh(_noise(shape[:2], int(rng.integers(3, 24)), rng)))[..., None] / 2
    return np.asarray(colours[0] + mix * (colours[1] - colours[0]), np.uint8)


def _noise(shape: tuple[int, ...], fineness: int, rng: np.random.Generator) -> Floats:
    """Smooth noise of unit deviation with about `fineness` waves a side."""
    coarse = rng.standard_normal((fineness, fineness)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)
