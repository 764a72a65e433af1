"""Easy to hard: which pictures are drawn, and how much is done to them, as a run goes on.

Bengio et al., Curriculum learning, ICML 2009.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import torch

from engines.learning.codes import Codes
from engines.learning.recipe import Corruption, Curriculum

_BATCH = 8


@torch.no_grad()
def easiest_first(codes: Codes, training: Sequence[int]) -> list[int]:
    """Order pictures by what the linear way back from their latents leaves unexplained."""
    errors: list[float] = []
    for start in range(0, len(training), _BATCH):
        features = codes.features(training[start : start + _BATCH])
        error = (features - codes.latent(features) @ codes.back.T).square()
        errors += error.mean((1, 2, 3)).tolist()
    return [training[index] for index in sorted(range(len(training)), key=errors.__getitem__)]


def grown(begin: float, settings: Curriculum, done: float) -> float:
    """What began at `begin` and is 1 once the share `until` of the run is done."""
    return begin + (1 - begin) * min(1.0, done / settings.until)


def pool(settings: Curriculum, count: int, done: float) -> int:
    """How many of the easiest pictures are drawn from, at least one."""
    return max(1, round(count * grown(settings.pool, settings, done)))


def hardened(corruption: Corruption, settings: Curriculum, done: float) -> Corruption:
    """The corruption at that point of the run."""
    if settings.hardness == 1:
        return corruption
    share = grown(settings.hardness, settings, done)
    return msgspec.structs.replace(
        corruption, **{name: getattr(corruption, name) * share for name in corruption.__struct_fields__}
    )
