"""The rows of the ablation table: what each changes of the default recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from engines.learning.recipe import Recipe

Sections = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Row:
    """A recipe by its difference from the default one."""

    technique: str
    """For people."""
    sections: Sections = field(default_factory=dict)
    """Keys changed in sections of the recipe."""
    top: Mapping[str, Any] = field(default_factory=dict)
    """Keys changed outside sections."""

    def recipe(self, default: Recipe) -> Recipe:
        """The default recipe with this row's changes."""
        parts = {name: msgspec.structs.replace(getattr(default, name), **keys) for name, keys in self.sections.items()}
        return msgspec.structs.replace(default, **parts, **self.top)


_PULL = 0.1
"""Weight of the contrastive term where another technique needs an objective beside it."""
_LATENTS = {"noise": 0.0, "memory": 0.0, "swap": 0.0, "mask": 0.0}
_LIGHT = {"gamma": 0.0, "contrast": 0.0, "brightness": 0.0, "colour": 0.0, "grey": 0.0}
_FAULTS = {"blur": 0.0, "noise": 0.0, "jpeg": 0.0}


def _bottleneck(**keys: object) -> Sections:
    return {"bottleneck": keys}


def _negatives(kind: str) -> Sections:
    kinds = {name: float(name == kind) for name in ("patches", "blends", "textures")}
    return {"bottleneck": {"one_class": 0.3}, "anomalies": kinds}


BASELINE: Final = "baseline"
SEEDS: Final[Mapping[str, int]] = {"seed-8": 8, "seed-9": 9, "seed-10": 10}
"""What lies between these rows and the baseline, chance has moved."""
ROWS: Final[Mapping[str, Row]] = {
    BASELINE: Row("the default recipe"),
    **{name: Row("the default recipe by another seed", top={"seed": seed}) for name, seed in SEEDS.items()},
    "no-denoising": Row("denoising objective off", {"corruption": _LATENTS}),
    "contrastive": Row("contrastive term over all kinds of view", _bottleneck(contrastive=_PULL)),
    "views-moments": Row(
        "contrastive, views are moments in time where the corpus has them",
        {"bottleneck": {"contrastive": _PULL}, "views": {"moments": 1.0, "scales": 0.0}},
    ),
    "views-scales": Row(
        "contrastive, views are scales",
        {"bottleneck": {"contrastive": _PULL}, "views": {"moments": 0.0, "scales": 1.0}},
    ),
    "views-augmentations": Row(
        "contrastive, views are augmentations",
        {"bottleneck": {"contrastive": _PULL}, "views": {"moments": 0.0, "scales": 0.0}},
    ),
    "multi-view": Row("half of the latents come from another view", {"views": {"cross": 0.5}}),
    "no-crops": Row("random crops off", {"augmentation": {"crop_area": 1.0}}),
    "no-geometry": Row("flips and stretching off", {"augmentation": {"flip": 0.0, "stretch": 0.0}}),
    "no-jitter": Row("colour and light jitter off", {"augmentation": _LIGHT}),
    "no-faults": Row("blur, noise and compression off", {"augmentation": _FAULTS}),
    "one-class": Row("one-class objective, all synthetic anomalies", _bottleneck(one_class=0.3)),
    "one-class-patches": Row("one-class, pasted patches only", _negatives("patches")),
    "one-class-blends": Row("one-class, blended patches only", _negatives("blends")),
    "one-class-textures": Row("one-class, noise-shaped textures only", _negatives("textures")),
    "curriculum-pictures": Row("easy pictures first", {"curriculum": {"pool": 0.3}}),
    "curriculum-corruption": Row("little corruption first", {"curriculum": {"hardness": 0.2}}),
    "no-weight-decay": Row("weight decay off", {"optimisation": {"weight_decay": 0.0}}),
    "spectral": Row("spectral normalisation, gain at most 1", {"optimisation": {"spectral_bound": 1.0}}),
    "ensemble": Row("ensemble of 3 decoders", {"decoder": {"ensemble": 3}}),
    "one-scale": Row("coarse features only in the latent", top={"emphasis": (0.0, 0.0, 1.0)}),
    "pyramid": Row("top-down feature pyramid", _bottleneck(pyramid=True)),
    "pyramid-contrastive": Row("feature pyramid and contrastive term", _bottleneck(pyramid=True, contrastive=_PULL)),
    "attention": Row("attention in the bottleneck", _bottleneck(attention=2)),
    "attention-contrastive": Row("the same and contrastive term", _bottleneck(attention=2, contrastive=_PULL)),
    "attention-decoder": Row("attention in the decoder", {"decoder": {"attention": 2}}),
    "skips": Row("skips of the latent past the trunk", {"decoder": {"skips": True}}),
    "perceptual": Row("perceptual loss", {"losses": {"perceptual": 0.3}}),
    "adversarial": Row("adversarial loss, at most 0.2 of the others' gradient", {"losses": {"adversarial": 0.2}}),
    "square": Row(
        "picture by squared in the place of absolute error",
        {"losses": {"picture_square": 8.0, "picture_absolute": 0.0}},
    ),
    "variational": Row("variational bottleneck", _bottleneck(variational=0.02)),
    "diffusion-1": Row("denoising in one step", {"decoder": {"diffusion": 1}}),
    "diffusion-3": Row("denoising in three steps", {"decoder": {"diffusion": 3}}),
    "pretraining": Row("self-supervised pretraining of the bottleneck", _bottleneck(pretraining=200)),
    "flow": Row("density model: flow of 4 couplings over latents", _bottleneck(flow=4)),
    "small": Row("size small", top={"size": "small"}),
    "large": Row("size large", top={"size": "large"}),
}
