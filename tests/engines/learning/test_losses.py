from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the learn extra")

import torch

from engines.learning.corrupt import Lesson
from engines.learning.losses import feature_cosine, feature_square, picture_structure, total_loss
from engines.learning.recipe import read_recipe
from engines.network.decoder import DecoderOutput


@pytest.fixture
def target() -> Lesson:
    rng = torch.Generator().manual_seed(0)
    features = torch.randn(2, 16, 16, 20, generator=rng)
    return Lesson(torch.zeros(2, 16, 16, 8), features, torch.rand(2, 64, 64, 3, generator=rng))


def test_a_perfect_answer_costs_nothing(target: Lesson) -> None:
    answer = DecoderOutput(target.features, target.picture)
    assert float(total_loss(answer, target, read_recipe().losses)) == pytest.approx(0, abs=1e-5)


def test_answering_the_mean_costs_one(target: Lesson) -> None:
    assert float(feature_square(torch.zeros_like(target.features), target.features)) == pytest.approx(1, abs=0.05)


def test_cosine_ignores_length(target: Lesson) -> None:
    assert float(feature_cosine(3 * target.features, target.features)) == pytest.approx(0, abs=1e-5)
    assert float(feature_cosine(-target.features, target.features)) == pytest.approx(2, abs=1e-5)


def test_structure_minds_blur_more_than_light(target: Lesson) -> None:
    lighter = target.picture * 0.95
    flat = target.picture.mean((1, 2), keepdim=True).expand_as(target.picture)
    assert picture_structure(lighter, target.picture) < 0.05
    assert picture_structure(flat, target.picture) > 0.9
