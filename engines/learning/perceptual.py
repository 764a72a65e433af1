"""The perceptual loss: how a regenerated picture looks to the frozen encoder."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from engines.network.encoder import Backbone

_STAGES: Final = (1, 2)
"""Strides 4 and 8: what is coarser, the features' own losses mind."""


class Perceptual:
    """Squared error between the encoder's features of two pictures, over their variance in the target.

    Johnson, Alahi and Fei-Fei, Perceptual losses, ECCV 2016. About 1 for an answer that has nothing in it.
    """

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = Backbone(_STAGES[-1] + 1).eval().requires_grad_(requires_grad=False)
        own = self._backbone.state_dict()
        self._backbone.load_state_dict({name: value for name, value in backbone.state_dict().items() if name in own})

    def __call__(self, picture: Tensor, target: Tensor) -> Tensor:
        """Compare float32 [N, P, P, 3] in 0..1, a scalar."""
        with torch.no_grad():
            wanted = self._see(target)
        terms = [
            functional.mse_loss(seen, want) / want.var((0, 2, 3)).mean()
            for seen, want in zip(self._see(picture), wanted, strict=True)
        ]
        return torch.stack(terms).mean()

    def _see(self, picture: Tensor) -> list[Tensor]:
        outputs = self._backbone((picture.permute(0, 3, 1, 2) * 255 - 127.0) / 128.0)
        return [outputs[stage] for stage in _STAGES]
