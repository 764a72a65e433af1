"""The whole run: corpus, encoder's whitening, decoder, figures, files."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from engines.contract import Pixels, Progress
from engines.learning.corpus import pictures
from engines.learning.corrupt import corrupt
from engines.learning.encoded import EncodedCorpus
from engines.learning.export import export_network, versions
from engines.learning.figures import measure
from engines.learning.losses import total_loss
from engines.learning.moments import Whitening
from engines.learning.recipe import Recipe
from engines.learning.verify import verify_network
from engines.network.decoder import Decoder
from engines.network.encoder import SCALE_CHANNELS, Encoder
from engines.network.files import Network
from engines.network.imagenet import load_imagenet

_log = logging.getLogger("vigil.learning")
CHECKPOINT_EVERY = 500
"""Steps."""
_WARM_UP = 0.05

Report = Callable[[Progress], None]


@dataclass(frozen=True)
class Learnt:
    """What a run makes."""

    network: Network
    figures: dict[str, float]
    """Measured on the held-out pictures, see `learning.figures`."""


def learn(recipe: Recipe, frames: Iterator[Pixels], folder: Path, report: Report) -> Learnt:
    """Train a shared network by the recipe.

    `frames` gives uint8 [H, W, 3] RGB of any size and may be empty. `folder` keeps the encoded corpus and the
    checkpoint: a run that was cut off encodes again, which takes minutes, and goes on training where it was.
    Equal recipes, frames and thread counts give equal networks on one machine. Raises `EngineError` when a
    package or a picture is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _threads(recipe.optimisation.threads):
        encoder = Encoder(recipe.latent_channels).eval()
        load_imagenet(encoder.backbone)
        corpus = EncodedCorpus(folder, recipe.corpus.pictures)
        corpus.fill(encoder, pictures(recipe, frames), lambda n: report(Progress(n, recipe.corpus.pictures, "encode")))
        whitening = corpus.moments.whitening(recipe.latent_channels, np.repeat(recipe.emphasis, SCALE_CHANNELS))
        encoder.adopt(*map(torch.from_numpy, (whitening.mean, whitening.scale, whitening.whiten)))
        decoder = train_decoder(recipe, corpus, whitening, folder, report)
        figures = measure(decoder, corpus, whitening, held_out(recipe))
        network = export_network(encoder, decoder, _provenance(recipe, figures))
        sample = np.random.default_rng(recipe.seed).integers(0, 256, (3, 256, 256, 3), np.uint8)
        verify_network(network, encoder, decoder, sample)
    return Learnt(network, figures)


def held_out(recipe: Recipe) -> range:
    """Indices of the pictures that are not trained on: the last ones, at least one."""
    count = max(1, round(recipe.corpus.pictures * recipe.corpus.held_out))
    return range(recipe.corpus.pictures - count, recipe.corpus.pictures)


def train_decoder(recipe: Recipe, corpus: EncodedCorpus, whitening: Whitening, folder: Path, report: Report) -> Decoder:
    """Train the decoder on the encoded corpus, the held-out pictures left alone."""
    torch.manual_seed(recipe.seed)
    decoder = Decoder(recipe.latent_channels, recipe.decoder.width, recipe.decoder.kernels)
    decoder.start_linear(torch.from_numpy(whitening.back))
    run = _Run(recipe, decoder, folder / "checkpoint.pt")
    for step in range(run.resume(), recipe.optimisation.steps):
        loss = run.step(corpus, whitening)
        if (step + 1) % CHECKPOINT_EVERY == 0:
            _log.info("step %d of %d: loss %.4f", step + 1, recipe.optimisation.steps, loss)
            run.save(step + 1)
        report(Progress(step + 1, recipe.optimisation.steps, f"train, loss {loss:.3f}"))
    return decoder.eval()


class _Run:
    """Decoder, optimiser and random numbers of one run, which a checkpoint keeps together."""

    def __init__(self, recipe: Recipe, decoder: Decoder, checkpoint: Path) -> None:
        self._recipe = recipe
        self._decoder = decoder.train()
        self._checkpoint = checkpoint
        settings = recipe.optimisation
        self._optimiser = AdamW(decoder.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
        self._schedule = LambdaLR(self._optimiser, lambda step: _rate(step / settings.steps))
        self._rng = torch.Generator().manual_seed(recipe.seed)
        self._first_held_out = held_out(recipe).start

    def step(self, corpus: EncodedCorpus, whitening: Whitening) -> float:
        """Learn from one batch and return its loss."""
        size = (self._recipe.optimisation.batch,)
        indices = torch.randint(0, self._first_held_out, size, generator=self._rng).tolist()
        lesson = corrupt(corpus.lesson(indices, whitening), self._recipe.corruption, self._rng)
        loss = total_loss(self._decoder(lesson.latent), lesson, self._recipe.losses)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        torch.nn.utils.clip_grad_norm_(self._decoder.parameters(), 1.0)
        self._optimiser.step()
        self._schedule.step()
        return float(loss.detach())

    def save(self, step: int) -> None:
        """Write a checkpoint, replacing the last one whole."""
        part = self._checkpoint.with_suffix(".part")
        state = {name: item.state_dict() for name, item in self._parts().items()}
        torch.save({"recipe": self._recipe.id, "step": step, "rng": self._rng.get_state(), **state}, part)
        part.replace(self._checkpoint)

    def resume(self) -> int:
        """Load the checkpoint if it belongs to this recipe, and return the steps it has done."""
        if not self._checkpoint.exists():
            return 0
        state = torch.load(self._checkpoint, weights_only=True)
        if state["recipe"] != self._recipe.id:
            return 0
        for name, item in self._parts().items():
            item.load_state_dict(state[name])
        self._rng.set_state(state["rng"])
        return int(state["step"])

    def _parts(self) -> dict[str, Any]:
        return {"decoder": self._decoder, "optimiser": self._optimiser, "schedule": self._schedule}


def _rate(done: float) -> float:
    """Warm up linearly, then decay along half a cosine to zero."""
    if done < _WARM_UP:
        return (done + 1e-3) / _WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (done - _WARM_UP) / (1 - _WARM_UP)))


def _provenance(recipe: Recipe, figures: dict[str, float]) -> dict[str, object]:
    return {
        "recipe_id": recipe.id,
        "recipe": recipe,
        "seed": recipe.seed,
        "figures": figures,
        "versions": versions(),
    }


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Give torch so many threads for a while: sums depend on it in the last digits."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
