"""Trains the rows' networks, each once: they are kept, since what judges them changes oftener than what makes them."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import torch

from benchmarks.ablation_features import FrozenFeatures
from benchmarks.network import flop, milliseconds
from daemon.commands.train import generated
from engines.contract import Pixels, Progress
from engines.learning.assemble import build_bottleneck
from engines.learning.corpus import families
from engines.learning.encoded import EncodedCorpus
from engines.learning.export import export_network
from engines.learning.recipe import AnomalySettings, Recipe, ViewSettings
from engines.learning.train import Trained, fresh_encoder, provenance, train_from
from engines.learning.verify import verify_network
from engines.network.encoder import Encoder
from engines.network.files import Network

_FORMAT: Final = ("engines.network.files", "engines.network.metadata")
"""How networks are stored decides nothing of what they become."""
_RUNS: Final = 40
"""Timings of a frame; their median counts."""


@cache
def learning_code() -> str:
    """The first 12 hex digits of the SHA-256 over all modules that decide what a network becomes."""
    rooms = ("engines.learning.", "engines.network.", "pipelines.simulation.scene")
    names = sorted(name for name in sys.modules if name.startswith(rooms) and name not in _FORMAT)
    files = [Path(str(sys.modules[name].__file__)) for name in names]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


@dataclass(frozen=True)
class Made:
    """A row's network."""

    network: Network
    encoder: Encoder
    """The same as the network's, in torch."""
    facts: dict[str, object]
    """Figures on held-out pictures, GFLOP and ms a frame, seconds of training."""


class Frames:
    """The generated frames, drawn once."""

    def __init__(self) -> None:
        self._source, self._drawn = generated(), list[Pixels]()

    def every(self, step: int) -> Iterator[Pixels]:
        """Yield every `step`-th frame."""
        index = 0
        while True:
            self._drawn += islice(self._source, max(0, index + 1 - len(self._drawn)))
            yield self._drawn[index]
            index += step


@dataclass
class School:
    """Makes networks and keeps them in `folder`."""

    folder: Path
    frozen: dict[str, FrozenFeatures] = field(default_factory=dict)
    frames: Frames = field(default_factory=Frames)
    _corpus: tuple[str, EncodedCorpus] | None = None

    def features(self, recipe: Recipe) -> FrozenFeatures:
        """The features of the recipe's size."""
        if recipe.size not in self.frozen:
            self.frozen[recipe.size] = FrozenFeatures(recipe, self.folder)
        return self.frozen[recipe.size]

    def made(self, recipe: Recipe) -> Made:
        """The recipe's network, trained now or before."""
        kept = self.folder / f"{recipe.id}-{learning_code()}"
        if not kept.exists():
            self._make(recipe, kept)
        encoder = Encoder(recipe.shape.latent_channels, recipe.shape)
        encoder.bottleneck = build_bottleneck(recipe) if recipe.bottleneck.learnt else None
        encoder.load_state_dict(torch.load(kept / "encoder.pt", weights_only=True))
        return Made(Network.load(kept), encoder.eval(), json.loads((kept / "facts.json").read_text()))

    def corpus(self, recipe: Recipe) -> EncodedCorpus:
        """The encoded pictures of a recipe, with the versions that it uses; the last ones are kept."""
        key = corpus_key(recipe)
        if self._corpus is None or self._corpus[0] != key:
            folder = self.folder / "corpus"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            self._corpus = key, self._encoded(recipe, folder)
        return self._corpus[1]

    def _encoded(self, recipe: Recipe, folder: Path) -> EncodedCorpus:
        """Versions that nothing compares are not made; pictures are the same with them and without."""
        if not compares(recipe):
            plain = type(recipe.bottleneck)()
            recipe = msgspec.structs.replace(
                recipe, views=ViewSettings(), anomalies=AnomalySettings(), bottleneck=plain
            )
        paired = recipe.views.count and recipe.views.moments
        frames = self.frames.every(1 if paired else 2)  # a pair is a frame and another moment of its camera
        corpus = EncodedCorpus(
            folder,
            recipe.corpus.pictures,
            channels=recipe.shape.feature_channels,
            views=recipe.views.count,
            spoilt=recipe.anomalies.count,
        )
        corpus.fill(self.features(recipe), families(recipe, frames), lambda _done: None)
        return corpus

    def _make(self, recipe: Recipe, kept: Path) -> None:
        began = time.process_time()
        corpus = self.corpus(recipe)
        encoded = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            torch.manual_seed(recipe.seed)
            trained = train_from(recipe, fresh_encoder(recipe), corpus, Path(folder), silent)
        seconds = {"encode_s": round(encoded - began), "train_s": round(time.process_time() - encoded)}
        network = self._exported(recipe, trained)
        facts = {"figures": trained.figures, **costs(recipe, network), **seconds}
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            part = Path(folder) / "part"
            network.save(part)
            torch.save(trained.encoder.state_dict(), part / "encoder.pt")
            (part / "facts.json").write_text(json.dumps(facts))
            part.rename(kept)

    def _exported(self, recipe: Recipe, trained: Trained) -> Network:
        network = export_network(trained.encoder, trained.decoder, provenance(recipe, trained.figures))
        sample = np.random.default_rng(recipe.seed).integers(0, 256, (3, 256, 256, 3), np.uint8)
        verify_network(network, trained.encoder, trained.decoder, sample)
        return network


def corpus_key(recipe: Recipe) -> str:
    """Recipes with equal keys learn from the same encoded pictures."""
    views = (recipe.views.count, recipe.views.moments, recipe.views.scales) if compares(recipe) else ()
    anomalies = recipe.anomalies if compares(recipe) else ()
    seen = (recipe.seed, recipe.size, recipe.corpus, recipe.augmentation, views, anomalies)
    return hashlib.sha256(msgspec.json.encode(seen)).hexdigest()[:12]


def compares(recipe: Recipe) -> bool:
    """Whether the recipe compares versions of a picture."""
    learnt = recipe.bottleneck
    return bool(learnt.contrastive or learnt.one_class or learnt.pretraining or recipe.views.cross)


def costs(recipe: Recipe, network: Network) -> dict[str, float]:
    """Operations and processor time a frame of encoder and decoder together."""
    parts = ("encoder", "decoder")
    ms = sum(milliseconds(network, part, "f32", runs=_RUNS) for part in parts)
    return {"gflop": round(sum(flop(recipe)) / 1e9, 3), "ms": round(ms, 2)}


def silent(_progress: Progress) -> None:
    """Tell nobody."""
