"""What a decoder is given to learn from, batch by batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from engines.learning.codes import Codes
from engines.learning.corrupt import Lesson, corrupt
from engines.learning.curriculum import easiest_first, hardened, pool
from engines.learning.recipe import Recipe
from engines.learning.views import WHOLE


@dataclass(frozen=True)
class Drawn:
    """A batch."""

    indices: list[int]
    clean: Lesson
    lesson: Lesson
    """The same, corrupted."""


class Lessons:
    """Draws batches from the pictures that are trained on."""

    def __init__(self, recipe: Recipe, codes: Codes, training: range, rng: Generator) -> None:
        self._recipe, self._codes, self._rng = recipe, codes, rng
        ordered = recipe.curriculum.pool < 1
        self._order = easiest_first(codes, training) if ordered else list(training)

    def draw(self, done: float) -> Drawn:
        """Draw a batch when the share `done` of the run is over."""
        most = pool(self._recipe.curriculum, len(self._order), done)
        drawn = torch.randint(0, most, (self._recipe.optimisation.batch,), generator=self._rng).tolist()
        indices = [self._order[index] for index in drawn]
        clean = self._codes.lesson(indices)
        shown = Lesson(self._seen(indices, clean), clean.features, clean.picture)
        corruption = hardened(self._recipe.corruption, self._recipe.curriculum, done)
        return Drawn(indices, clean, corrupt(shown, corruption, self._rng))

    def _seen(self, indices: list[int], clean: Lesson) -> Tensor:
        """Latents of the pictures, or of another view of some of them, or drawn from a variational bottleneck."""
        latent = clean.latent
        if self._recipe.views.cross:
            latent = self._crossed(indices, latent)
        if self._recipe.bottleneck.variational and not self._recipe.bottleneck.flow:
            deviation = self._codes.deviation(clean.features)
            latent = latent + deviation * torch.randn(latent.shape, generator=self._rng)
        return latent

    def _crossed(self, indices: list[int], latent: Tensor) -> Tensor:
        """Multi-view encoding: what a latent says of a place must hold for its other views too."""
        corpus, out = self._codes.corpus, latent.clone()
        view = 1 + int(torch.randint(0, corpus.views, (1,), generator=self._rng))
        drawn = torch.rand(len(indices), generator=self._rng) < self._recipe.views.cross
        whole = torch.from_numpy((corpus.windows[indices, view] == WHOLE).all(-1))
        for at in torch.nonzero(drawn & whole).flatten().tolist():
            out[at] = self._codes.latent(self._codes.features([indices[at]], view))[0]
        return out
