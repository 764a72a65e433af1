"""A whole run in miniature: corpus, whitening, decoder, figures, export, comparison of the two."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the learn extra")
pytest.importorskip("onnxscript", reason="needs the learn extra")

from engines.contract import Progress
from engines.errors import EngineError
from engines.learning import decoding, train
from engines.learning.recipe import Recipe, read_recipe
from engines.learning.train import Learnt, learn
from engines.learning.verify import verify_network
from engines.network.decoder import Decoder
from engines.network.encoder import Encoder


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    usual = read_recipe()
    return msgspec.structs.replace(
        usual,
        latent_channels=16,
        decoder=msgspec.structs.replace(usual.decoder, width=24, kernels=(3,)),
        corpus=msgspec.structs.replace(usual.corpus, pictures=10, photographs=0.0),
        optimisation=msgspec.structs.replace(usual.optimisation, steps=24, batch=2),
    )


class Run:
    """What a run made and told."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        self.told: list[Progress] = []
        self.learnt: Learnt = learn(recipe, iter(()), folder, self.told.append)

    @property
    def losses(self) -> list[float]:
        return [float(told.what.split()[-1]) for told in self.told if told.what.startswith("train")]


@pytest.fixture(scope="module")
def run(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(recipe, tmp_path_factory.mktemp("run"))


def test_the_loss_falls(run: Run) -> None:
    assert sum(run.losses[-6:]) < 0.95 * sum(run.losses[:6])


def test_progress_is_told_to_the_end(run: Run, recipe: Recipe) -> None:
    assert run.told[-1].done == run.told[-1].total == recipe.optimisation.steps
    assert [told.done for told in run.told if told.what == "encode"] == [8, 10]


def test_the_network_states_its_recipe_and_figures(run: Run, recipe: Recipe) -> None:
    provenance = run.learnt.network.provenance
    assert provenance["recipe_id"] == recipe.id
    assert msgspec.convert(provenance["recipe"], Recipe) == recipe
    assert provenance["figures"] == run.learnt.figures
    assert run.learnt.network.spec.latent_channels == 16


def test_equal_recipes_give_equal_networks(run: Run, recipe: Recipe, tmp_path: Path) -> None:
    assert Run(recipe, tmp_path).learnt.network.id == run.learnt.network.id


def test_a_run_that_was_cut_off_goes_on(
    run: Run, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "CHECKPOINT_EVERY", 10)
    with pytest.raises(KeyboardInterrupt):
        learn(recipe, iter(()), tmp_path, interrupt_at(15))
    rest = Run(recipe, tmp_path)
    assert len(rest.losses) == recipe.optimisation.steps - 10
    assert rest.learnt.network.id == run.learnt.network.id


def interrupt_at(step: int) -> train.Report:
    def report(progress: Progress) -> None:
        if progress.what.startswith("train") and progress.done == step:
            raise KeyboardInterrupt

    return report


def test_a_network_that_differs_from_torch_is_not_shipped(run: Run) -> None:
    encoder, decoder = Encoder(16), Decoder(16, 24, (3,))
    with pytest.raises(EngineError, match="do not ship"):
        verify_network(run.learnt.network, encoder, decoder, np.zeros((1, 256, 256, 3), np.uint8))
