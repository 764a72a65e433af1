"""Trains the decoder on the encoded corpus."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from engines.contract import Progress
from engines.learning.adversary import BEGIN, Adversary
from engines.learning.assemble import AnyDecoder, build_decoder, denoising_loss, start_linear
from engines.learning.codes import Codes
from engines.learning.corrupt import Lesson
from engines.learning.lessons import Drawn, Lessons
from engines.learning.losses import total_loss
from engines.learning.perceptual import Perceptual
from engines.learning.recipe import Recipe
from engines.network.decoder import DecoderOutput
from engines.network.diffusion import DenoisingDecoder
from engines.network.encoder import Backbone
from engines.network.ensemble import Ensemble
from engines.network.spectral import settle

_log = logging.getLogger("vigil.learning")
CHECKPOINT_EVERY = 500
"""Steps."""
_WARM_UP = 0.05

Report = Callable[[Progress], None]


def train_decoder(
    recipe: Recipe, codes: Codes, backbone: Backbone, training: range, folder: Path, report: Report
) -> AnyDecoder:
    """Train on the pictures `training`. `folder` keeps the checkpoint of a run that is cut off."""
    torch.manual_seed(recipe.seed)
    decoder = build_decoder(recipe)
    start_linear(decoder, codes.back)
    run = _Run(recipe, decoder, codes, backbone, training, folder / "checkpoint.pt")
    for step in range(run.resume(), recipe.optimisation.steps):
        loss = run.step(step)
        if (step + 1) % CHECKPOINT_EVERY == 0:
            _log.info("step %d of %d: loss %.4f", step + 1, recipe.optimisation.steps, loss)
            run.save(step + 1)
        report(Progress(step + 1, recipe.optimisation.steps, f"train, loss {loss:.3f}"))
    settle(decoder)
    return decoder.eval()


class _Run:
    """Decoder, optimiser and random numbers of one run, which a checkpoint keeps together."""

    def __init__(
        self, recipe: Recipe, decoder: AnyDecoder, codes: Codes, backbone: Backbone, training: range, checkpoint: Path
    ) -> None:
        self._recipe = recipe
        self._decoder = decoder.train()
        self._checkpoint = checkpoint
        settings, losses = recipe.optimisation, recipe.losses
        self._optimiser = AdamW(decoder.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
        self._schedule = LambdaLR(self._optimiser, lambda step: _rate(step / settings.steps))
        self._rng = torch.Generator().manual_seed(recipe.seed)
        self._lessons = Lessons(recipe, codes, training, self._rng)
        self._perceptual = Perceptual(backbone) if losses.perceptual else None
        self._adversary = Adversary(losses.adversarial) if losses.adversarial else None

    def step(self, step: int) -> float:
        """Learn from one batch and return its loss."""
        done = step / self._recipe.optimisation.steps
        drawn = self._lessons.draw(done)
        answers = self._answers(drawn)
        loss = torch.stack([self._loss(*answer, done) for answer in answers]).mean()
        if isinstance(self._decoder, DenoisingDecoder):
            loss = loss + denoising_loss(self._decoder.denoiser, drawn.clean.latent, self._rng)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        torch.nn.utils.clip_grad_norm_(self._decoder.parameters(), 1.0)
        self._optimiser.step()
        self._schedule.step()
        if self._adversary is not None:
            self._adversary.learn(answers[0][0].picture, answers[0][1].picture)
        return float(loss.detach())

    def _loss(self, output: DecoderOutput, lesson: Lesson, done: float) -> Tensor:
        loss = total_loss(output, lesson, self._recipe.losses)
        if self._perceptual is not None:
            loss = loss + self._recipe.losses.perceptual * self._perceptual(output.picture, lesson.picture)
        if self._adversary is not None and done >= BEGIN:
            loss = loss + self._adversary.term(loss, output.picture)
        return loss

    def _answers(self, drawn: Drawn) -> list[tuple[DecoderOutput, Lesson]]:
        """What each decoder says of its part of the batch, with that part."""
        lesson, decoder = drawn.lesson, self._decoder
        if isinstance(decoder, DenoisingDecoder):
            lesson = Lesson(decoder.denoise(lesson.latent), lesson.features, lesson.picture)
            decoder = decoder.decoder
        if not isinstance(decoder, Ensemble):
            return [(decoder(lesson.latent), lesson)]
        parts = _shared(drawn, lesson, len(decoder.decoders))
        pairs = zip(decoder.decoders, parts, strict=True)
        return [(member(part.latent), part) for member, part in pairs if len(part.latent)]

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
        parts = {"decoder": self._decoder, "optimiser": self._optimiser, "schedule": self._schedule}
        return parts if self._adversary is None else {**parts, "adversary": self._adversary}


def _shared(drawn: Drawn, lesson: Lesson, count: int) -> list[Lesson]:
    """The batch for each of an ensemble: the k-th never sees the pictures whose number leaves the remainder k."""
    rest = torch.tensor(drawn.indices) % count
    tensors = (lesson.latent, lesson.features, lesson.picture)
    return [Lesson(*(tensor[rest != member] for tensor in tensors)) for member in range(count)]


def _rate(done: float) -> float:
    """Warm up linearly, then decay along half a cosine to zero."""
    if done < _WARM_UP:
        return (done + 1e-3) / _WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (done - _WARM_UP) / (1 - _WARM_UP)))
