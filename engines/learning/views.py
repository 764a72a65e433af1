"""Views of one picture: in another light, at another scale, at another moment.

What differs between the views of a place is what a latent had better not tell (Tian et al., Contrastive multiview
coding, ECCV 2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.nn import functional

from engines.contract import Floats, Pixels
from engines.learning.augment import relight
from engines.learning.recipe import Augmentation, ViewSettings

WHOLE = (0.0, 0.0, 1.0)
"""The window of a view that shows all of the picture: top, left and side, of the picture's side."""
_CLOSEST, _WIDEST = 0.6, 0.9
_SAME_CAMERA = 0.8
_THUMB = (24, 24)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A view of a picture."""

    pixels: Pixels
    """uint8 [S, S, 3]."""
    window: tuple[float, float, float] = WHOLE
    """Which part of the picture it shows."""


def make_view(
    picture: Pixels, moment: Pixels | None, settings: ViewSettings, light: Augmentation, rng: Generator
) -> View:
    """Draw a view of a picture; `moment` is another moment of its camera in the same crop, if there is one."""
    draw = rng.random()
    if moment is not None and draw < settings.moments:
        return View(relight(moment, light, rng) if rng.random() < 0.5 else moment)
    if settings.moments <= draw < settings.moments + settings.scales:
        return closer(picture, light, rng)
    return View(relight(picture, light, rng))


def closer(picture: Pixels, light: Augmentation, rng: Generator) -> View:
    """A closer look at a random part, relit."""
    size = picture.shape[0]
    side = int(size * rng.uniform(_CLOSEST, _WIDEST))
    y, x = (int(rng.integers(0, size - side + 1)) for _ in range(2))
    part = cv2.resize(picture[y : y + side, x : x + side], (size, size), interpolation=cv2.INTER_LINEAR)
    return View(relight(np.asarray(part, np.uint8), light, rng), (y / size, x / size, side / size))


def same_camera(one: Pixels, two: Pixels) -> bool:
    """Whether two frames show the same place at two moments: most of the picture has stayed."""
    if one.shape != two.shape:
        return False
    small = [cv2.resize(frame, _THUMB, interpolation=cv2.INTER_AREA).astype(np.float64).ravel() for frame in (one, two)]
    if min(values.std() for values in small) < 1:
        return False
    return bool(np.corrcoef(small[0], small[1])[0, 1] > _SAME_CAMERA)


def align(codes: Tensor, windows: Floats) -> Tensor:
    """Bring codes [N, C, h, w] of pictures to the places of their views, whose windows are float32 [N, 3]."""
    top, left, side = torch.from_numpy(windows).T[:, :, None, None]
    height, width = codes.shape[2:]
    rows = (torch.arange(height) + 0.5) / height
    columns = (torch.arange(width) + 0.5) / width
    y = (top + side * rows[None, :, None]).expand(-1, -1, width)
    x = (left + side * columns[None, None, :]).expand(-1, height, -1)
    grid = torch.stack([x, y], -1).to(codes.dtype) * 2 - 1
    return functional.grid_sample(codes, grid, align_corners=False, padding_mode="border")
