"""A bound on how much a layer can amplify."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

_STEPS, _MANY_STEPS = 2, 30


class SpectralBound(nn.Module):
    """Divides a weight by its largest singular value over the bound, where that exceeds 1.

    The singular value comes from power iteration (Miyato et al., Spectral normalization, ICLR 2018); weights
    within the bound are left as they are (Gouk et al., Regularisation of neural networks by enforcing Lipschitz
    continuity, Machine Learning 2021).
    """

    direction: Tensor

    def __init__(self, weight: Tensor, bound: float) -> None:
        super().__init__()
        self.bound = bound
        generator = torch.Generator().manual_seed(weight.shape[0])
        self.register_buffer("direction", torch.randn(weight.shape[0], generator=generator))
        self.refresh(weight)

    def forward(self, weight: Tensor) -> Tensor:
        """Bound a weight [outputs, ...]."""
        matrix = weight.flatten(1)
        if self.training:
            self._iterate(matrix.detach())
        # A copy: the next iteration writes over the buffer, which the gradient still needs.
        left = self.direction.clone()
        right = torch.nn.functional.normalize(matrix.detach().T @ left, dim=0)
        gain = left @ matrix @ right
        return weight / (gain / self.bound).clamp(min=1)

    def refresh(self, weight: Tensor) -> None:
        """Find the direction of the largest gain anew."""
        for _ in range(_MANY_STEPS // _STEPS):
            self._iterate(weight.detach().flatten(1))

    @torch.no_grad()
    def _iterate(self, matrix: Tensor) -> None:
        left = self.direction
        for _ in range(_STEPS):
            right = torch.nn.functional.normalize(matrix.T @ left, dim=0)
            left = torch.nn.functional.normalize(matrix @ right, dim=0)
        self.direction.copy_(left)


def bound_gains(module: nn.Module, bound: float) -> None:
    """Bound every pointwise convolution in a module; other kernels' singular values are not their matrix's."""
    for layer in pointwise(module):
        parametrize.register_parametrization(layer, "weight", SpectralBound(layer.weight, bound))


def settle(module: nn.Module) -> None:
    """Write bounded weights into the layers themselves, for export."""
    for layer in module.modules():
        if parametrize.is_parametrized(layer, "weight"):
            steps = cast(Any, layer).parametrizations.weight
            steps[0].refresh(steps.original)
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)


def pointwise(module: nn.Module) -> list[nn.Conv2d]:
    """The 1x1 convolutions in a module."""
    convs = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d)]
    return [layer for layer in convs if layer.kernel_size == (1, 1) and layer.groups == 1]
