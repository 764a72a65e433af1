"""Attention that is light enough for every place and whose weights can be looked at."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

_KEYS = 8
"""Keys and values are averages over a grid of so many by so many."""
_DEPTH = 16
"""Channels a head."""


class PooledAttention(nn.Module):
    """Every place asks a coarse 8 x 8 grid of the picture what is to be seen elsewhere; an addition to its input.

    Dot-product attention (Vaswani et al., NeurIPS 2017) with pooled keys and values (Wang et al., Pyramid Vision
    Transformer, ICCV 2021): 64 weights a place and head. The last projection begins at zero: an untrained block
    changes nothing.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Conv2d(channels, heads * _DEPTH, 1)
        self.key = nn.Conv2d(channels, heads * _DEPTH, 1)
        self.value = nn.Conv2d(channels, heads * _DEPTH, 1)
        self.out = nn.Conv2d(heads * _DEPTH, channels, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]  # it has one

    def weights(self, x: Tensor) -> Tensor:
        """Where each place looks: for [N, channels, h, w] gives [N, heads, h*w, 64], rows that add up to 1."""
        query, key = self._split(self.query(x)), self._split(self.key(_pool(x)))
        return torch.softmax(query @ key.transpose(-1, -2) / math.sqrt(_DEPTH), -1)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, channels, h, w], h and w multiples of 8, to the same shape."""
        seen = self.weights(x) @ self._split(self.value(_pool(x)))
        together = seen.transpose(-1, -2).reshape(x.shape[0], self.heads * _DEPTH, x.shape[2], x.shape[3])
        answer: Tensor = self.out(together)
        return x + answer

    def _split(self, x: Tensor) -> Tensor:
        """[N, heads * d, h, w] to [N, heads, h*w, d]."""
        return x.reshape(x.shape[0], self.heads, _DEPTH, -1).transpose(-1, -2)


def _pool(x: Tensor) -> Tensor:
    return functional.avg_pool2d(x, (x.shape[2] // _KEYS, x.shape[3] // _KEYS))
