"""Puts bottleneck and decoder together as a recipe says."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Generator, Tensor

from engines.learning.recipe import Recipe
from engines.network.bottleneck import Bottleneck
from engines.network.decoder import Decoder
from engines.network.diffusion import SIGMA, Denoiser, DenoisingDecoder
from engines.network.ensemble import Ensemble
from engines.network.flow import Flow
from engines.network.spectral import bound_gains

AnyDecoder: TypeAlias = Decoder | Ensemble | DenoisingDecoder

_LEAST_SIGMA, _MOST_SIGMA = 0.05, 2 * SIGMA


def build_bottleneck(recipe: Recipe) -> Bottleneck:
    """An untrained bottleneck with all its parts."""
    settings, shape = recipe.bottleneck, recipe.shape
    made = Bottleneck(shape.channels, shape.latent_channels, pyramid=settings.pyramid, heads=settings.attention)
    made.flow = Flow(shape.latent_channels, settings.flow) if settings.flow else None
    return made


def build_decoder(recipe: Recipe) -> AnyDecoder:
    """An untrained decoder."""
    shape, settings = recipe.shape, recipe.decoder
    decoders = [
        Decoder(
            shape.latent_channels,
            shape.width,
            shape.kernels,
            feature_channels=shape.feature_channels,
            heads=settings.attention,
            skips=settings.skips,
        )
        for _ in range(settings.ensemble)
    ]
    if recipe.optimisation.spectral_bound:
        for each in decoders:
            bound_gains(each.trunk, recipe.optimisation.spectral_bound)
    decoder: Decoder | Ensemble = decoders[0] if len(decoders) == 1 else Ensemble(decoders)
    if not settings.diffusion:
        return decoder
    return DenoisingDecoder(Denoiser(shape.latent_channels, shape.width), decoder, settings.diffusion)


def start_linear(decoder: AnyDecoder, back: Tensor) -> None:
    """Begin training as the linear way back from latents to features, [F, C]."""
    (decoder.decoder if isinstance(decoder, DenoisingDecoder) else decoder).start_linear(back)


def denoising_loss(denoiser: Denoiser, latent: Tensor, rng: Generator) -> Tensor:
    """How far clean latents [N, h, w, C] are missed at random levels of noise, weighted as by Karras et al. (2022)."""
    clean = latent.permute(0, 3, 1, 2)
    share = torch.rand(len(clean), generator=rng)
    sigma = _LEAST_SIGMA * (_MOST_SIGMA / _LEAST_SIGMA) ** share
    wide = sigma[:, None, None, None]
    guess: Tensor = denoiser(clean + wide * torch.randn(clean.shape, generator=rng), sigma)
    return ((guess - clean).square() * (1 + wide.square()) / wide.square()).mean()
