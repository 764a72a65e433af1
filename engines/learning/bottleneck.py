"""Learns the bottleneck, when the recipe asks for more than the linear one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional
from torch.optim import AdamW

from engines.contract import Progress
from engines.learning.assemble import build_bottleneck
from engines.learning.codes import Codes
from engines.learning.encoded import EncodedCorpus
from engines.learning.moments import Moments, Whitening
from engines.learning.objectives import contrastive, divergence, one_class, self_supervision
from engines.learning.recipe import Recipe
from engines.learning.views import align
from engines.network.bottleneck import Bottleneck
from engines.network.flow import Flow
from engines.network.spectral import bound_gains, settle

_RATE = 1e-3
_BATCH = 8
_LEAST_VARIANCE = 1e-4

Report = Callable[[Progress], None]


@dataclass(frozen=True)
class _Batch:
    """Features of a picture, a view and a spoilt version, each [N, F, h, w], with their linear latents."""

    picture: tuple[Tensor, Tensor]
    view: tuple[Tensor, Tensor] | None
    spoilt: tuple[Tensor, Tensor] | None
    windows: np.ndarray
    shares: Tensor


def train_bottleneck(
    recipe: Recipe, corpus: EncodedCorpus, whitening: Whitening, training: range, report: Report
) -> Bottleneck:
    """Learn from the pictures `training` and scale what comes out."""
    torch.manual_seed(recipe.seed)
    settings = recipe.bottleneck
    bottleneck = build_bottleneck(recipe).train()
    bottleneck.flow = None  # it is fitted to what the rest makes
    if recipe.optimisation.spectral_bound:
        bound_gains(bottleneck, recipe.optimisation.spectral_bound)
    _School(recipe, Codes(corpus, whitening), bottleneck, training).teach(report)
    settle(bottleneck)
    bottleneck.eval()
    codes = Codes(corpus, whitening)
    _scale(bottleneck, codes, training)
    if settings.flow:
        bottleneck.flow = _train_flow(recipe, bottleneck, codes, training, report)
    return bottleneck


class _School:
    """Optimiser and random numbers of the run."""

    def __init__(self, recipe: Recipe, codes: Codes, bottleneck: Bottleneck, training: range) -> None:
        self._recipe, self._codes, self._bottleneck, self._training = recipe, codes, bottleneck, training
        self._back = nn.Parameter(codes.back.clone())
        self._rng = torch.Generator().manual_seed(recipe.seed)
        settings = recipe.optimisation
        parameters = [*bottleneck.parameters(), self._back]
        self._optimiser = AdamW(parameters, _RATE, weight_decay=settings.weight_decay)

    def teach(self, report: Report) -> None:
        settings = self._recipe.bottleneck
        for step in range(settings.pretraining):
            self._step(self._self_supervised())
            report(Progress(step + 1, settings.pretraining, "pretrain"))
        if not (settings.pyramid or settings.attention or _weighted(self._recipe)):
            return
        for step in range(settings.rounds):
            loss = self._step(self._objective(self._draw()))
            report(Progress(step + 1, settings.rounds, f"bottleneck, loss {loss:.3f}"))

    def _step(self, loss: Tensor) -> float:
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        nn.utils.clip_grad_norm_(self._bottleneck.parameters(), 1.0)
        self._optimiser.step()
        return float(loss.detach())

    def _draw(self) -> _Batch:
        corpus = self._codes.corpus
        indices = _some(self._training, self._recipe.optimisation.batch, self._rng)
        view = 1 + _one_of(corpus.views, self._rng) if corpus.views else None
        spoilt = _one_of(corpus.spoilt, self._rng) if corpus.spoilt else None
        return _Batch(
            self._inputs(indices, 0),
            None if view is None else self._inputs(indices, view),
            None if spoilt is None else self._inputs(indices, 1 + corpus.views + spoilt),
            corpus.windows[indices, view or 0],
            torch.from_numpy(corpus.shares[indices, spoilt]) if spoilt is not None else torch.zeros(0),
        )

    def _inputs(self, indices: list[int], version: int) -> tuple[Tensor, Tensor]:
        features = self._codes.features(indices, version)
        return features.permute(0, 3, 1, 2), self._codes.linear(features).permute(0, 3, 1, 2)

    def _objective(self, batch: _Batch) -> Tensor:
        """What the features lose on the way, and the terms of the recipe."""
        weights = self._recipe.bottleneck
        mean, log_variance = self._bottleneck.code(*batch.picture)
        code = mean
        if weights.variational:
            code = mean + (log_variance / 2).exp() * torch.randn(mean.shape, generator=self._rng)
        back = functional.conv2d(code, self._back[:, :, None, None])
        loss = functional.mse_loss(back, batch.picture[0])
        if weights.variational:
            loss = loss + weights.variational * divergence(mean, log_variance)
        return loss + self._between(mean, batch)

    def _between(self, mean: Tensor, batch: _Batch) -> Tensor:
        """Terms that compare versions of a picture."""
        weights = self._recipe.bottleneck
        total = torch.zeros(())
        if batch.view is None or not (weights.contrastive or weights.one_class):
            return total
        pair = align(mean, batch.windows), self._bottleneck.code(*batch.view)[0]
        if weights.contrastive:
            total = total + weights.contrastive * contrastive(*pair, self._rng)
        if weights.one_class and batch.spoilt is not None:
            spoilt = self._bottleneck.code(*batch.spoilt)[0]
            total = total + weights.one_class * one_class(pair, (mean, spoilt), batch.shares)
        return total

    def _self_supervised(self) -> Tensor:
        batch = self._draw()
        assert batch.view is not None
        picture = align(self._bottleneck.code(*batch.picture)[0], batch.windows)
        return self_supervision(picture, self._bottleneck.code(*batch.view)[0])


def _weighted(recipe: Recipe) -> bool:
    settings = recipe.bottleneck
    return any((settings.contrastive, settings.one_class, settings.variational))


@torch.no_grad()
def _scale(bottleneck: Bottleneck, codes: Codes, training: range) -> None:
    """Fit `offset` and `gain`."""
    moments = Moments(bottleneck.offset.shape[0])
    for indices in _all(training):
        moments.add(_code(bottleneck, codes, indices).permute(0, 2, 3, 1).numpy())
    bottleneck.offset.copy_(torch.from_numpy(moments.mean.astype(np.float32)))
    variance = float(np.diag(moments.covariance).mean())
    bottleneck.gain.fill_(max(variance, _LEAST_VARIANCE) ** -0.5)


def _train_flow(recipe: Recipe, bottleneck: Bottleneck, codes: Codes, training: range, report: Report) -> Flow:
    """Fit the flow by maximum likelihood."""
    settings = recipe.bottleneck
    flow = Flow(recipe.shape.latent_channels, settings.flow)
    rng = torch.Generator().manual_seed(recipe.seed)
    optimiser = AdamW(flow.parameters(), _RATE, weight_decay=recipe.optimisation.weight_decay)
    for step in range(settings.rounds):
        with torch.no_grad():
            scaled = bottleneck.scaled(_code(bottleneck, codes, _some(training, recipe.optimisation.batch, rng)))
        loss = flow.surprise(scaled).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        nn.utils.clip_grad_norm_(flow.parameters(), 1.0)
        optimiser.step()
        report(Progress(step + 1, settings.rounds, f"flow, loss {float(loss.detach()):.3f}"))
    return flow.eval()


def _code(bottleneck: Bottleneck, codes: Codes, indices: list[int]) -> Tensor:
    features = codes.features(indices)
    return bottleneck.code(features.permute(0, 3, 1, 2), codes.linear(features).permute(0, 3, 1, 2))[0]


def _some(training: range, count: int, rng: Generator) -> list[int]:
    return [int(index) for index in torch.randint(0, len(training), (count,), generator=rng)]


def _one_of(count: int, rng: Generator) -> int:
    return int(torch.randint(0, count, (1,), generator=rng))


def _all(training: range) -> Iterator[list[int]]:
    for start in range(0, len(training), _BATCH):
        yield list(training[start : start + _BATCH])
