"""The pictures a network learns from, drawn one by one from a seed, each with its further versions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engines.contract import Floats, Pixels
from engines.learning.anomalies import plant
from engines.learning.augment import augment
from engines.learning.photographs import photographs
from engines.learning.procedural import procedural
from engines.learning.recipe import Recipe
from engines.learning.views import WHOLE, View, make_view, same_camera
from engines.network.encoder import INPUT_SIZE, PLACES


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """A picture, views of it and spoilt versions of it."""

    pixels: Pixels
    """uint8 [1 + views + spoilt, 256, 256, 3], in this order."""
    windows: Floats
    """float32 [1 + views, 3]: see `views.View`."""
    spoilt: Floats
    """float32 [spoilt, h, w]: the share of each place that is spoilt."""


def versions(recipe: Recipe) -> int:
    """How many pictures make a family."""
    return 1 + recipe.views.count + recipe.anomalies.count


def pictures(recipe: Recipe, frames: Iterator[Pixels]) -> Iterator[Pixels]:
    """Yield the recipe's pictures without their further versions, uint8 [256, 256, 3] RGB."""
    for family in families(recipe, frames):
        yield family.pixels[0]


def families(recipe: Recipe, frames: Iterator[Pixels]) -> Iterator[Family]:
    """Yield the recipe's pictures and their versions.

    `frames` gives uint8 [H, W, 3] RGB of any size; it may end early, then pictures made by rule take its share.
    Equal recipes and frames give equal pictures. Raises `EngineError` when the photographs are not installed.
    """
    size = INPUT_SIZE[0]
    photos = photographs() if recipe.corpus.photographs else []
    previous: Pixels | None = None
    for index in range(recipe.corpus.pictures):
        rng = np.random.default_rng((recipe.seed, index))
        draw = rng.random()
        source: Pixels | None = None
        moment: Pixels | None = None
        if photos and draw < recipe.corpus.photographs:
            source = photos[int(rng.integers(len(photos)))]
        elif draw < recipe.corpus.photographs + recipe.corpus.frames:
            source = next(frames, None)
            moment = _moment(recipe, source, frames)
        if source is None:
            source = procedural(rng, size)
        same = np.random.default_rng((recipe.seed, index, 1))
        same.bit_generator.state = rng.bit_generator.state
        picture = augment(source, size, recipe.augmentation, rng)
        later = None if moment is None else augment(moment, size, recipe.augmentation, same)
        yield _family(recipe, picture, later, picture if previous is None else previous, index)
        previous = picture


def _moment(recipe: Recipe, frame: Pixels | None, frames: Iterator[Pixels]) -> Pixels | None:
    """The next frame, if it is wanted and shows the same camera."""
    if frame is None or not (recipe.views.count and recipe.views.moments):
        return None
    later = next(frames, None)
    return later if later is not None and same_camera(frame, later) else None


def _family(recipe: Recipe, picture: Pixels, moment: Pixels | None, other: Pixels, index: int) -> Family:
    """Draw the versions from a generator of their own, so that they do not change the pictures."""
    rng = np.random.default_rng((recipe.seed, index, 2))
    light = recipe.augmentation
    views = [View(picture)]
    views += [make_view(picture, moment, recipe.views, light, rng) for _ in range(recipe.views.count)]
    spoilt = [plant(picture, other, recipe.anomalies, rng) for _ in range(recipe.anomalies.count)]
    return Family(
        np.stack([*(view.pixels for view in views), *(pixels for pixels, _ in spoilt)]),
        np.array([WHOLE, *(view.window for view in views[1:])], np.float32),
        np.array([share for _, share in spoilt], np.float32).reshape(-1, *PLACES),
    )
