"""How well a decoder gives back what went in."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from engines.learning.codes import Codes
from engines.learning.losses import feature_cosine, feature_square, picture_absolute, picture_structure

_BATCH = 8


@torch.no_grad()
def measure(decoder: nn.Module, codes: Codes, indices: Sequence[int]) -> dict[str, float]:
    """Measure plain reconstruction on some pictures of a corpus.

    Gives ``feature_explained`` (1 minus the squared error over the features' variance), ``feature_cosine``,
    ``picture_absolute`` (of 1), ``picture_psnr_db``, ``picture_ssim`` and ``latent_explained`` (what the
    bottleneck alone keeps of the features' variance by a linear way back, for comparison).
    """
    decoder.eval()
    sums = torch.zeros(6, dtype=torch.float64)
    for start in range(0, len(indices), _BATCH):
        lesson = codes.lesson(list(indices[start : start + _BATCH]))
        output = decoder(lesson.latent)
        sums += len(lesson.latent) * torch.stack(
            [
                feature_square(output.features, lesson.features),
                lesson.features.square().mean(),
                1 - feature_cosine(output.features, lesson.features),
                picture_absolute(output.picture, lesson.picture),
                (output.picture - lesson.picture).square().mean(),
                1 - picture_structure(output.picture, lesson.picture),
            ]
        ).to(torch.float64)
    error, variance, cosine, absolute, square, structure = (sums / len(indices)).tolist()
    values = {
        "feature_explained": 1 - error / variance,
        "feature_cosine": cosine,
        "picture_absolute": absolute,
        "picture_psnr_db": -10 * math.log10(square),
        "picture_ssim": structure,
        "latent_explained": codes.explained,
    }
    return {name: round(value, 4) for name, value in values.items()}
