"""The pictures a network learns from, drawn one by one from a seed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engines.contract import Pixels
from engines.learning.augment import augment
from engines.learning.photographs import photographs
from engines.learning.procedural import procedural
from engines.learning.recipe import Recipe
from engines.network.encoder import INPUT_SIZE


def pictures(recipe: Recipe, frames: Iterator[Pixels]) -> Iterator[Pixels]:
    """Yield the recipe's pictures, uint8 [256, 256, 3] RGB.

    `frames` gives uint8 [H, W, 3] RGB of any size; it may end early, then pictures made by rule take its share.
    Equal recipes and frames give equal pictures. Raises `EngineError` when the photographs are not installed.
    """
    size = INPUT_SIZE[0]
    photos = photographs() if recipe.corpus.photographs else []
    for index in range(recipe.corpus.pictures):
        rng = np.random.default_rng((recipe.seed, index))
        draw = rng.random()
        source: Pixels | None = None
        if photos and draw < recipe.corpus.photographs:
            source = photos[int(rng.integers(len(photos)))]
        elif draw < recipe.corpus.photographs + recipe.corpus.frames:
            source = next(frames, None)
        if source is None:
            source = procedural(rng, size)
        yield augment(source, size, recipe.augmentation, rng)
