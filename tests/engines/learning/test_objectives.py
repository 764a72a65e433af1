from __future__ import annotations

import math

import pytest

pytest.importorskip("torch", reason="needs the learn extra")

import torch
from torch import Tensor

from engines.learning.objectives import MARGIN, contrastive, divergence, one_class, self_supervision


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def codes() -> Tensor:
    return torch.randn(2, 16, 12, 12)


def descend(start: Tensor, loss_of: object, steps: int = 40) -> Tensor:
    """Follow the gradient of a loss from a start."""
    x = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([x], 0.05)
    for _ in range(steps):
        loss = loss_of(x)  # type: ignore[operator]  # a callable
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return x.detach()


def test_the_contrastive_term_tells_matching_views_from_chance() -> None:
    one = codes()
    near, chance = (float(contrastive(one, two, seeded())) for two in (one + 0.1 * codes(), codes()))
    assert near < 0.4 * chance
    assert chance > math.log(256) - 0.5


def test_the_contrastive_term_pulls_views_together_and_keeps_places_apart() -> None:
    one, two = codes(), codes()
    pulled = descend(two, lambda x: contrastive(one, x, seeded()), 100)
    cosine = torch.nn.functional.cosine_similarity
    assert cosine(one, pulled).mean() > cosine(one, two).mean() + 0.25
    assert pulled.flatten(2).std(-1).mean() > 0.5


def test_self_supervision_wants_agreement_without_collapse() -> None:
    one = torch.randn(4, 8, 12, 12)
    agreed = self_supervision(one, one + 0.05 * torch.randn(one.shape))
    apart = self_supervision(one, torch.randn(one.shape))
    collapsed = self_supervision(torch.zeros_like(one), torch.zeros_like(one))
    copied = one[:, :1].expand_as(one)
    assert agreed < 0.2 * apart
    assert agreed < 0.2 * collapsed
    assert agreed < self_supervision(copied, copied)


def test_the_one_class_objective_pulls_views_in_and_pushes_spoilt_places_out() -> None:
    base, shares = codes(), torch.zeros(2, 12, 12)
    shares[:, :4] = 1.0
    spoilt = descend(base + 0.01 * torch.randn(base.shape), lambda x: one_class((base, base), (base, x), shares), 60)
    moved = (spoilt - base).square().mean(1)
    assert moved[:, :4].mean() > 0.8 * MARGIN
    assert moved[:, 4:].max() < 0.01
    view = descend(base + codes(), lambda x: one_class((base, x), (base, base), torch.zeros(2, 12, 12)), 60)
    assert (view - base).square().mean() < 0.5


def test_what_is_far_enough_is_left_alone() -> None:
    base, shares = codes(), torch.ones(2, 12, 12)
    far = base + 2 * math.sqrt(MARGIN)
    assert float(one_class((base, base), (base, far), shares)) == pytest.approx(0, abs=1e-6)


def test_the_divergence_is_that_of_gaussians() -> None:
    zero = torch.zeros(1, 3, 2, 2)
    assert float(divergence(zero, zero)) == 0
    expected = torch.distributions.kl_divergence(torch.distributions.Normal(1.5, 0.5), torch.distributions.Normal(0, 1))
    assert float(divergence(zero + 1.5, zero + math.log(0.25))) == pytest.approx(float(expected), rel=1e-5)
