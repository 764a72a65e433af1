"""Diffusion-style denoising of latents before they are decoded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, cast

import torch
from torch import Tensor, nn

from engines.network.decoder import Decoder, DecoderOutput
from engines.network.ensemble import Ensemble

SIGMA: Final = 0.5
"""The noise that latents from a memory are taken to carry, in deviations of the whitened latent."""
_BLOCKS = 2


class Denoiser(nn.Module):
    """Tells the clean latent from a noisy one and the level of its noise.

    Preconditioned as by Karras et al. (Elucidating the design space of diffusion-based generative models,
    NeurIPS 2022) for data of deviation 1, which whitened latents have. The level shifts and scales each block.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(channels, width, 1)
        self.blocks = nn.ModuleList(_block(width) for _ in range(_BLOCKS))
        self.level = nn.Sequential(nn.Linear(1, width), nn.SiLU(), nn.Linear(width, 2 * width * _BLOCKS))
        self.leave = nn.Conv2d(width, channels, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(cast(Tensor, self.leave.bias))

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        """Denoise [N, C, h, w] whose noise has the deviations [N]."""
        square = sigma.square()[:, None, None, None]
        x = self.enter(noisy / (1 + square).sqrt())
        levels = self.level(sigma.log()[:, None] / 4)[..., None, None].chunk(2 * _BLOCKS, 1)
        for index, block in enumerate(self.blocks):
            x = x + block(x * (1 + levels[2 * index]) + levels[2 * index + 1])
        change: Tensor = self.leave(x)
        return noisy / (1 + square) + change * (square / (1 + square)).sqrt()


def _block(width: int) -> nn.Sequential:
    """A separable convolution without batch statistics, which would mix the levels of noise."""
    return nn.Sequential(
        nn.Conv2d(width, width, 5, padding=2, groups=width), nn.ReLU(), nn.Conv2d(width, width, 1), nn.ReLU()
    )


class DenoisingDecoder(nn.Module):
    """Denoises in one or a few steps, then decodes. Deterministic: nothing is drawn at run time."""

    def __init__(self, denoiser: Denoiser, decoder: Decoder | Ensemble, steps: int) -> None:
        super().__init__()
        self.denoiser = denoiser
        self.decoder = decoder
        self.levels = schedule(steps)

    def denoise(self, latent: Tensor) -> Tensor:
        """Follow the probability flow from SIGMA to none by Euler's steps, for [N, h, w, C]."""
        x = latent.permute(0, 3, 1, 2)
        for now, then in zip(self.levels, (*self.levels[1:], 0.0), strict=True):
            clean = self.denoiser(x, torch.full_like(x[:, 0, 0, 0], now))
            x = clean + (x - clean) * (then / now)
        return x.permute(0, 2, 3, 1)

    def forward(self, latent: Tensor) -> DecoderOutput:
        """Decode float32 [N, h, w, C]."""
        output: DecoderOutput = self.decoder(self.denoise(latent))
        return output


def schedule(steps: int) -> Sequence[float]:
    """Levels of noise from SIGMA on, falling evenly in the logarithm; the last step leads to none."""
    return tuple(SIGMA * math.exp(-1.5 * step) for step in range(steps))
