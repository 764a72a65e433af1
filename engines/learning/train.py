"""The whole run: corpus, whitening, bottleneck, decoder, figures, files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from engines.contract import Pixels, Progress
from engines.learning.assemble import AnyDecoder
from engines.learning.bottleneck import train_bottleneck
from engines.learning.codes import Codes
from engines.learning.corpus import families
from engines.learning.decoding import train_decoder
from engines.learning.encoded import EncodedCorpus
from engines.learning.export import export_network, versions
from engines.learning.figures import measure
from engines.learning.moments import Whitening
from engines.learning.recipe import Recipe
from engines.learning.verify import verify_network
from engines.network.encoder import Encoder
from engines.network.files import Network
from engines.network.imagenet import load_imagenet

Report = Callable[[Progress], None]


@dataclass(frozen=True)
class Trained:
    """What a run makes, in torch."""

    encoder: Encoder
    decoder: AnyDecoder
    figures: dict[str, float]
    """Measured on the held-out pictures, see `learning.figures`."""


@dataclass(frozen=True)
class Learnt:
    """The same, ready to ship."""

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
        encoder = fresh_encoder(recipe)
        return learn_from(recipe, encoder, encode(recipe, encoder, frames, folder, report), folder, report)


def learn_from(recipe: Recipe, encoder: Encoder, corpus: EncodedCorpus, folder: Path, report: Report) -> Learnt:
    """The same from a corpus that was encoded by the encoder before; the encoder takes over what is fitted."""
    trained = train_from(recipe, encoder, corpus, folder, report)
    network = export_network(trained.encoder, trained.decoder, provenance(recipe, trained.figures))
    sample = np.random.default_rng(recipe.seed).integers(0, 256, (3, 256, 256, 3), np.uint8)
    verify_network(network, trained.encoder, trained.decoder, sample)
    return Learnt(network, trained.figures)


def train_from(recipe: Recipe, encoder: Encoder, corpus: EncodedCorpus, folder: Path, report: Report) -> Trained:
    """The same without exporting."""
    whitening = fit_whitening(recipe, corpus)
    encoder.adopt(*map(torch.from_numpy, (whitening.mean, whitening.scale, whitening.whiten)))
    training = trained_on(recipe)
    if recipe.bottleneck.learnt:
        encoder.bottleneck = train_bottleneck(recipe, corpus, whitening, training, report)
    codes = Codes(corpus, whitening, encoder.bottleneck)
    decoder = train_decoder(recipe, codes, encoder.backbone, training, folder, report)
    return Trained(encoder, decoder, measure(decoder, codes, held_out(recipe)))


def fresh_encoder(recipe: Recipe) -> Encoder:
    """An encoder of the recipe's size with its ImageNet weights, nothing fitted."""
    encoder = Encoder(recipe.shape.latent_channels, recipe.shape).eval()
    load_imagenet(encoder.backbone)
    return encoder


def encode(recipe: Recipe, encoder: Encoder, frames: Iterator[Pixels], folder: Path, report: Report) -> EncodedCorpus:
    """Make the recipe's pictures and encode them; the files lie in `folder`."""
    corpus = EncodedCorpus(
        folder,
        recipe.corpus.pictures,
        channels=recipe.shape.feature_channels,
        views=recipe.views.count,
        spoilt=recipe.anomalies.count,
    )
    total = recipe.corpus.pictures
    corpus.fill(encoder, families(recipe, frames), lambda done: report(Progress(done, total, "encode")))
    return corpus


def fit_whitening(recipe: Recipe, corpus: EncodedCorpus) -> Whitening:
    """The closed form: standardised features and a white latent."""
    channels = recipe.shape.channels
    # A scale beyond the third counts as the third.
    emphasis = [*recipe.emphasis, *recipe.emphasis[-1:] * len(channels)][: len(channels)]
    return corpus.moments.whitening(recipe.shape.latent_channels, np.repeat(emphasis, channels))


def trained_on(recipe: Recipe) -> range:
    """Indices of the pictures that are trained on."""
    return range(held_out(recipe).start)


def held_out(recipe: Recipe) -> range:
    """Indices of the pictures that are not trained on: the last ones, at least one."""
    count = max(1, round(recipe.corpus.pictures * recipe.corpus.held_out))
    return range(recipe.corpus.pictures - count, recipe.corpus.pictures)


def provenance(recipe: Recipe, figures: dict[str, float]) -> dict[str, object]:
    """What a network says of its making."""
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
