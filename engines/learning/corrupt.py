"""What a latent may look like at run time, done to it in training: the denoising objective.

At run time each place's latent is replaced by the nearest normal one in that place's memory (Gong et al., MemAE,
ICCV 2019). The decoder therefore meets latents that are slightly off, that do not quite fit their neighbours, or
that change abruptly at the rim of an anomaly, and must still give a clean picture. The corruptions stand for
these: `remember` and `add_noise` are undone (Vincent et al., Denoising autoencoders, ICML 2008), `swap` is
followed by the target, since the decoder must say what its latents say.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional

from engines.learning.recipe import Corruption


@dataclass(frozen=True)
class Lesson:
    """A batch to learn from."""

    latent: Tensor
    """float32 [N, h, w, C]."""
    features: Tensor
    """float32 [N, h, w, F]: the target."""
    picture: Tensor
    """float32 [N, P, P, 3] in 0..1: the target."""


def corrupt(lesson: Lesson, settings: Corruption, rng: Generator) -> Lesson:
    """Apply all corruptions of the recipe to a batch; the lesson given is left as it is."""
    lesson = swap(lesson, settings.swap, rng)
    latent = remember(lesson.latent, settings.memory, rng)
    latent = blank(latent, settings.mask, rng)
    latent = add_noise(latent, settings.noise, rng)
    return Lesson(latent, lesson.features, lesson.picture)


def swap(lesson: Lesson, share: float, rng: Generator) -> Lesson:
    """Take a rectangle of places from another picture, with its target, in a share of the pictures."""
    count, height, width, _ = lesson.latent.shape
    mask = torch.zeros(count, 1, height, width)
    for picture in torch.nonzero(torch.rand(count, generator=rng) < share).flatten().tolist():
        h, w = (int(torch.randint(2, side * 2 // 3, (1,), generator=rng)) for side in (height, width))
        y = int(torch.randint(0, height - h + 1, (1,), generator=rng))
        x = int(torch.randint(0, width - w + 1, (1,), generator=rng))
        mask[picture, 0, y : y + h, x : x + w] = 1
    places = mask.permute(0, 2, 3, 1)
    pixels = functional.interpolate(mask, scale_factor=lesson.picture.shape[1] / height).permute(0, 2, 3, 1)
    return Lesson(
        torch.lerp(lesson.latent, lesson.latent.roll(1, 0), places),
        torch.lerp(lesson.features, lesson.features.roll(1, 0), places),
        torch.lerp(lesson.picture, lesson.picture.roll(1, 0), pixels),
    )


def remember(latent: Tensor, share: float, rng: Generator) -> Tensor:
    """Replace each latent by its nearest in a memory, a random half of the same picture, in a share of pictures."""
    out = latent.clone()
    for picture in torch.nonzero(torch.rand(len(latent), generator=rng) < share).flatten().tolist():
        places = latent[picture].flatten(0, 1)
        memory = places[torch.randperm(len(places), generator=rng)[: len(places) // 2]]
        nearest = torch.cdist(places, memory).argmin(1)
        out[picture] = memory[nearest].reshape(latent[picture].shape)
    return out


def blank(latent: Tensor, share: float, rng: Generator) -> Tensor:
    """Set a share of places to the mean of the corpus, which is zero, in half of the pictures."""
    count, height, width, _ = latent.shape
    hidden = torch.rand(count, height, width, 1, generator=rng) < share
    hidden &= torch.rand(count, 1, 1, 1, generator=rng) < 0.5
    return latent.masked_fill(hidden, 0)


def add_noise(latent: Tensor, most: float, rng: Generator) -> Tensor:
    """Add Gaussian noise whose deviation is drawn for each picture, from 0 to `most`."""
    deviation = torch.rand(len(latent), 1, 1, 1, generator=rng) * most
    return latent + deviation * torch.randn(latent.shape, generator=rng)
