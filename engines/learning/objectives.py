"""What a bottleneck is judged by, besides what features can be told from its codes.

Codes are [N, C, h, w]; `align` has brought them to common places before they come here.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Generator, Tensor
from torch.nn import functional

_TEMPERATURE: Final = 0.2
_SAMPLE: Final = 256
"""Places compared in a batch: the comparison is quadratic in them."""
MARGIN: Final = 1.0
"""How far, in squared distance a channel, spoilt places are pushed from what was there; whitened latents of two
unrelated places are 2 apart."""
_SPOILT: Final = 0.5
"""A place of which more than this share is spoilt is a negative."""
_INVARIANCE, _VARIANCE, _COVARIANCE = 25.0, 25.0, 1.0


def contrastive(one: Tensor, two: Tensor, rng: Generator) -> Tensor:
    """InfoNCE: each place's code is nearer to its other view than to all other places, in both directions.

    van den Oord et al., 2018; on places as by Wang et al., DenseCL, CVPR 2021. A scalar, log(256) for chance.
    """
    count = one.shape[0] * one.shape[2] * one.shape[3]
    chosen = torch.randperm(count, generator=rng)[:_SAMPLE]
    first, second = (functional.normalize(_rows(codes)[chosen], dim=1) for codes in (one, two))
    likeness = first @ second.T / _TEMPERATURE
    same = torch.arange(len(likeness))
    return (functional.cross_entropy(likeness, same) + functional.cross_entropy(likeness.T, same)) / 2


def self_supervision(one: Tensor, two: Tensor) -> Tensor:
    """VICReg (Bardes, Ponce and LeCun, ICLR 2022): views agree, channels vary, and vary independently."""
    first, second = (_rows(codes) for codes in (one, two))
    invariance = functional.mse_loss(first, second)
    variance = sum(functional.relu(1 - (x.var(0) + 1e-4).sqrt()).mean() for x in (first, second))
    covariance = sum(_off_diagonal(x) for x in (first, second))
    return (_INVARIANCE * invariance + _VARIANCE * variance + _COVARIANCE * covariance) / _INVARIANCE


def one_class(views: tuple[Tensor, Tensor], spoilt: tuple[Tensor, Tensor], shares: Tensor) -> Tensor:
    """Pull a place's views to its own centre, push spoilt places away from it.

    Deep SVDD (Ruff et al., ICML 2018) with a centre for every place, the mean of its views, as the memory of a
    camera has; the negatives as in Deep SAD (Ruff et al., ICLR 2020), by a hinge in the place of the inverse.
    `views` are two views of the same places, `spoilt` the picture and its spoilt version, and `shares` [N, h, w]
    says how much of each place is spoilt.
    """
    centre = ((views[0] + views[1]) / 2).detach()
    pull = sum((view - centre).square().mean() for view in views) / 2
    apart = (spoilt[1] - spoilt[0].detach()).square().mean(1)
    negative = shares > _SPOILT
    if not negative.any():
        return torch.as_tensor(pull)
    return pull + functional.relu(MARGIN - apart[negative]).mean()


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence from N(0, I), a channel (Kingma and Welling, ICLR 2014; Alemi et al., ICLR 2017)."""
    return 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).mean()


def _rows(codes: Tensor) -> Tensor:
    """[N, C, h, w] to [N*h*w, C]."""
    return codes.movedim(1, -1).flatten(0, -2)


def _off_diagonal(x: Tensor) -> Tensor:
    """Mean over channels of the squared covariances with all others."""
    centred = x - x.mean(0)
    covariance = centred.T @ centred / (len(x) - 1)
    return (covariance.square().sum() - covariance.diagonal().square().sum()) / len(covariance)
