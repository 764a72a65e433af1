"""The curriculum, and the losses that bring a network of their own."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the learn extra")

import torch
from torch import Tensor

from engines.learning.adversary import Adversary
from engines.learning.curriculum import easiest_first, grown, hardened, pool
from engines.learning.perceptual import Perceptual
from engines.learning.recipe import Curriculum, read_recipe
from engines.network.encoder import Backbone
from engines.network.imagenet import load_imagenet


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


class Difficult:
    """Codes whose pictures are harder the larger their number modulo 5."""

    back = torch.eye(6, 4)

    def features(self, indices: list[int]) -> Tensor:
        inside = torch.randn(len(indices), 4, 4, 6)
        inside[..., 4:] *= torch.tensor([float(index % 5) for index in indices])[:, None, None, None]
        return inside

    def latent(self, features: Tensor) -> Tensor:
        return features[..., :4]


def test_pictures_are_ordered_by_what_the_linear_way_leaves_over() -> None:
    order = easiest_first(Difficult(), range(10))  # type: ignore[arg-type]  # what is used of Codes
    assert [index % 5 for index in order] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_the_pool_grows_to_everything_and_stays() -> None:
    settings = Curriculum(pool=0.2, until=0.5)
    sizes = [pool(settings, 100, done) for done in (0, 0.25, 0.5, 1)]
    assert sizes == [20, 60, 100, 100]
    assert pool(Curriculum(), 100, 0) == 100
    assert pool(Curriculum(pool=0.01), 7, 0) == 1
    assert grown(0.5, settings, 2.0) == 1


def test_corruption_grows_to_what_the_recipe_says() -> None:
    corruption = read_recipe().corruption
    settings = Curriculum(hardness=0.25, until=0.5)
    assert hardened(corruption, settings, 0).noise == pytest.approx(corruption.noise * 0.25)
    assert hardened(corruption, settings, 0.6) == corruption == hardened(corruption, Curriculum(), 0)


def gradient(value: Tensor, picture: Tensor) -> Tensor:
    return torch.autograd.grad(value, picture, retain_graph=True)[0]


@pytest.mark.parametrize("most", [0.1, 0.5])
@pytest.mark.parametrize("sharp", [0.01, 30.0])
def test_the_adversarys_gradient_is_bounded(most: float, sharp: float) -> None:
    adversary = Adversary(most)
    made = torch.rand(2, 64, 64, 3, requires_grad=True)
    loss = sharp * (made - 0.5).square().mean()
    own, theirs = gradient(loss, made).norm(), gradient(adversary.term(loss, made), made).norm()
    unweighted = gradient(adversary.discriminator(made).mean(), made).norm()
    assert float(theirs) <= most * float(own) * 1.1 + 1e-7
    assert float(theirs) <= float(unweighted) * 1.1


def test_the_adversary_learns_to_tell_flat_pictures_from_real_ones() -> None:
    adversary = Adversary(0.2)
    real, flat = torch.rand(4, 64, 64, 3), torch.full((4, 64, 64, 3), 0.5)
    losses = [adversary.learn(flat, real) for _ in range(40)]
    assert losses[-1] < 0.5 * losses[0]
    assert adversary.discriminator(real).mean() > adversary.discriminator(flat).mean()


@pytest.fixture(scope="module")
def perceptual() -> Perceptual:
    backbone = Backbone()
    load_imagenet(backbone)
    return Perceptual(backbone)


def test_the_perceptual_loss_minds_what_is_lost_more_than_light(perceptual: Perceptual) -> None:
    target = torch.rand(2, 8, 8, 3).repeat_interleave(8, 1).repeat_interleave(8, 2)
    flat = target.mean((1, 2), keepdim=True).expand_as(target)
    assert float(perceptual(target, target)) == pytest.approx(0, abs=1e-6)
    assert perceptual(target * 0.95, target) < 0.1 * perceptual(flat, target)


def test_the_perceptual_loss_reaches_the_picture_and_leaves_the_encoder_alone(perceptual: Perceptual) -> None:
    picture = torch.rand(1, 64, 64, 3, requires_grad=True)
    perceptual(picture, torch.rand(1, 64, 64, 3)).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    assert picture.grad is not None
    assert picture.grad.abs().mean() > 0
    assert all(parameter.grad is None for parameter in perceptual._backbone.parameters())
