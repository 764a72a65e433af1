"""Every technique of the recipe, switched on in a whole run in miniature: it trains, exports and computes alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the learn extra")
pytest.importorskip("onnxscript", reason="needs the learn extra")

import torch

from benchmarks.attention import sheet
from engines.contract import Pixels, Progress
from engines.learning import decoding
from engines.learning.assemble import build_decoder
from engines.learning.codes import Codes
from engines.learning.decoding import train_decoder
from engines.learning.encoded import EncodedCorpus
from engines.learning.procedural import procedural
from engines.learning.recipe import Recipe, read_recipe
from engines.learning.train import encode, fit_whitening, fresh_encoder, learn_from
from engines.network.encoder import Encoder
from engines.network.files import Network
from engines.network.looking import attention_weights
from engines.network.spectral import pointwise

VIEWS = {"count": 2, "moments": 0.3, "scales": 0.3}


def changed(recipe: Recipe, **sections: dict[str, Any]) -> Recipe:
    """The recipe with some keys of some sections changed."""
    parts = {name: msgspec.structs.replace(getattr(recipe, name), **keys) for name, keys in sections.items()}
    return msgspec.structs.replace(recipe, **parts)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return changed(
        msgspec.structs.replace(read_recipe(), latent_channels=12),
        decoder={"width": 16, "kernels": (3,)},
        corpus={"pictures": 9, "photographs": 0.0, "frames": 0.5},
        views=VIEWS,
        anomalies={"count": 1},
        bottleneck={"rounds": 3},
        optimisation={"steps": 6, "batch": 3},
    )


def camera() -> Iterator[Pixels]:
    """Two cameras, four moments each."""
    for seed in range(2):
        place = procedural(np.random.default_rng(seed), 256)
        for moment in range(4):
            frame = place.copy()
            frame[100:140, 20 + 50 * moment : 60 + 50 * moment] = 255 * (moment % 2)
            yield frame


@pytest.fixture(scope="module")
def corpus(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> EncodedCorpus:
    return encode(recipe, fresh_encoder(recipe), camera(), tmp_path_factory.mktemp("corpus"), lambda _: None)


ALL_OF_THE_BOTTLENECK = {
    "pyramid": True,
    "attention": 2,
    "contrastive": 0.1,
    "one_class": 0.1,
    "variational": 0.01,
    "pretraining": 3,
}


@pytest.mark.parametrize(
    "sections",
    [
        {"bottleneck": ALL_OF_THE_BOTTLENECK, "views": {"cross": 0.5}, "optimisation": {"spectral_bound": 1.5}},
        {
            "bottleneck": {"flow": 2},
            "decoder": {"attention": 2, "skips": True},
            "losses": {"picture_square": 4.0, "perceptual": 0.5, "adversarial": 0.2},
        },
        {"decoder": {"ensemble": 2, "diffusion": 2}, "curriculum": {"pool": 0.3, "hardness": 0.2}},
    ],
    ids=["bottleneck", "flow-attention-skips-losses", "ensemble-diffusion-curriculum"],
)
def test_a_run_with_it_makes_a_network_that_computes_alike(
    recipe: Recipe, corpus: EncodedCorpus, tmp_path: Path, sections: dict[str, dict[str, Any]]
) -> None:
    told: list[Progress] = []
    encoder = fresh_encoder(recipe)
    learnt = learn_from(changed(recipe, **sections), encoder, corpus, tmp_path, told.append)
    assert learnt.network.spec.latent_channels == 12
    assert learnt.network.spec.places == (32, 32)
    assert told[-1].done == 6
    assert np.isfinite(list(learnt.figures.values())).all()
    if sections.get("bottleneck", {}).get("attention"):
        assert_attention_can_be_looked_at(learnt.network, encoder)


def assert_attention_can_be_looked_at(network: Network, encoder: Encoder) -> None:
    """What is read off the exported file is what torch attends to."""
    assert encoder.bottleneck is not None
    pixels = procedural(np.random.default_rng(3), 256)[None]
    with torch.no_grad():
        features = encoder(torch.from_numpy(pixels)).features.permute(0, 3, 1, 2)
        wanted = encoder.bottleneck.looked_at(features)
    assert wanted is not None
    (found,) = attention_weights(network.encoder, pixels)
    np.testing.assert_allclose(found, wanted[0].numpy(), atol=1e-4)
    assert sheet(network, pixels[0]).shape == (256, 7 * 256, 3)


def test_weight_decay_keeps_weights_small(recipe: Recipe, corpus: EncodedCorpus, tmp_path: Path) -> None:
    def size(decay: float) -> float:
        wanted = changed(recipe, optimisation={"weight_decay": decay, "learning_rate": 0.01, "steps": 12})
        codes = Codes(corpus, fit_whitening(wanted, corpus))
        decoder = train_decoder(wanted, codes, Encoder(12).backbone, range(7), tmp_path, lambda _: None)
        return float(sum(layer.weight.detach().square().sum() for layer in pointwise(decoder)))

    assert size(3.0) < 0.95 * size(0.0)


def test_a_run_with_an_adversary_goes_on_where_it_was(
    recipe: Recipe, corpus: EncodedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a checkpoint keeps is enough: two halves give the network of the whole."""
    with_it = changed(recipe, losses={"adversarial": 0.5})
    codes, backbone = Codes(corpus, fit_whitening(with_it, corpus)), Encoder(12).backbone

    def run(folder: Path, stop: int | None = None) -> Any:
        def report(progress: Progress) -> None:
            if progress.done == stop:
                raise KeyboardInterrupt

        folder.mkdir(exist_ok=True)
        return train_decoder(with_it, codes, backbone, range(7), folder, report)

    monkeypatch.setattr(decoding, "CHECKPOINT_EVERY", 3)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "halves", stop=4)
    halves, whole = run(tmp_path / "halves"), run(tmp_path / "whole")
    for one, two in zip(halves.state_dict().values(), whole.state_dict().values(), strict=True):
        torch.testing.assert_close(one, two)


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"views": {"count": 0}, "bottleneck": {"contrastive": 0.1}}, "views.count"),
        ({"views": {"count": 0}, "bottleneck": {"pretraining": 5}}, "views.count"),
        ({"anomalies": {"count": 0}, "bottleneck": {"one_class": 0.1}}, "anomalies"),
    ],
)
def test_what_cannot_be_learnt_is_refused(recipe: Recipe, sections: dict[str, dict[str, Any]], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        changed(recipe, **sections)


@pytest.mark.parametrize(("size", "features"), [("small", 144), ("large", 368)])
def test_every_size_has_the_same_grid(size: Any, features: int) -> None:
    recipe = msgspec.structs.replace(read_recipe(), size=size)
    with torch.no_grad():
        code = fresh_encoder(recipe)(torch.zeros(1, 256, 256, 3, dtype=torch.uint8))
        back = build_decoder(recipe).eval()(code.latent)
    assert code.features.shape == back.features.shape == (1, 32, 32, features)
    assert back.picture.shape == (1, 128, 128, 3)
