"""What a decoder is judged by. Every term is 0 for a perfect decoder."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from engines.learning.corrupt import Lesson
from engines.learning.recipe import Losses
from engines.network.decoder import DecoderOutput

_C1, _C2 = 0.01**2, 0.03**2
"""SSIM's stabilising constants for values in 0..1."""


def total_loss(output: DecoderOutput, target: Lesson, weights: Losses) -> Tensor:
    """Weigh and add all terms, a scalar."""
    return (
        weights.feature_square * feature_square(output.features, target.features)
        + weights.feature_cosine * feature_cosine(output.features, target.features)
        + weights.picture_absolute * picture_absolute(output.picture, target.picture)
        + weights.picture_gradient * picture_gradient(output.picture, target.picture)
        + weights.picture_structure * picture_structure(output.picture, target.picture)
        + weights.picture_square * functional.mse_loss(output.picture, target.picture)
    )


def feature_square(output: Tensor, target: Tensor) -> Tensor:
    """Mean squared error; 1 for a decoder that answers the mean, since features are standardised."""
    return functional.mse_loss(output, target)


def feature_cosine(output: Tensor, target: Tensor) -> Tensor:
    """One minus the cosine of each place's features, as in reverse distillation (Deng and Li, CVPR 2022)."""
    return 1 - functional.cosine_similarity(output, target, dim=-1).mean()


def picture_absolute(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error of [N, P, P, 3]."""
    return functional.l1_loss(output, target)


def picture_gradient(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error of the differences between neighbours, so that edges stay sharp."""
    error = output - target
    return error.diff(dim=1).abs().mean() + error.diff(dim=2).abs().mean()


def picture_structure(output: Tensor, target: Tensor) -> Tensor:
    """One minus the structural similarity (Wang et al., IEEE TIP 2004) over 7x7 windows, every 4th."""
    x, y = output.permute(0, 3, 1, 2), target.permute(0, 3, 1, 2)
    mx, my = _mean(x), _mean(y)
    vx, vy, cov = _mean(x * x) - mx * mx, _mean(y * y) - my * my, _mean(x * y) - mx * my
    similarity = (2 * mx * my + _C1) * (2 * cov + _C2) / ((mx * mx + my * my + _C1) * (vx + vy + _C2))
    return 1 - similarity.mean()


def _mean(x: Tensor) -> Tensor:
    return functional.avg_pool2d(x, 7, stride=4)
