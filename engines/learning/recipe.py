"""The recipe: everything that decides what a training run makes. One file, one seed, one network."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec

from engines.errors import EngineError

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Amount = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class CorpusSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where pictures come from."""

    pictures: Annotated[int, msgspec.Meta(ge=8)]
    """How many are made, the held-out ones included."""
    held_out: Share
    """Share that is not trained on: the figures of the run are measured there."""
    photographs: Share
    """Share of crops of free photographs (`learning.photographs`)."""
    frames: Share
    """Share of frames given to the run; pictures made by rule stand in once there are no more."""


class Augmentation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far pictures are changed."""

    crop_area: Annotated[float, msgspec.Meta(gt=0, le=1)]
    """Smallest share of the picture's area that is kept."""
    stretch: Amount
    """Largest logarithm of the aspect ratio of a crop."""
    flip: Share
    gamma: Amount
    """Deviation of the logarithm of gamma."""
    contrast: Amount
    """Deviation of the logarithm of contrast."""
    brightness: Amount
    """Deviation of brightness, where white is 1."""
    colour: Amount
    """Deviation of the logarithm of saturation, and half of it for each colour's gain."""
    grey: Share
    blur: Share
    noise: Share
    jpeg: Share


class Corruption(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is done to a latent before it is decoded (the denoising objective)."""

    noise: Amount
    """Largest deviation of the noise added, in units of the whitened latent."""
    memory: Share
    """Share of pictures whose latents are replaced by their nearest among some of the picture's own places."""
    swap: Share
    """Share of pictures of which a patch is taken from another picture, in latent and target alike."""
    mask: Share
    """Share of places whose latent is blanked out, in pictures that are masked."""


class Losses(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Weights of the terms of the loss; each is near 1 for a decoder that has learnt nothing."""

    feature_square: Amount
    feature_cosine: Amount
    picture_absolute: Amount
    picture_gradient: Amount
    picture_structure: Amount


class Optimisation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """AdamW with a warm-up and a cosine decay (Loshchilov and Hutter, ICLR 2019)."""

    steps: Count
    batch: Annotated[int, msgspec.Meta(ge=2)]
    learning_rate: Annotated[float, msgspec.Meta(gt=0)]
    weight_decay: Amount
    threads: Count
    """More are faster, but only an equal number gives equal weights."""


class DecoderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The size of the decoder."""

    width: Count
    kernels: tuple[Count, ...]
    """One a block: the side of its depthwise kernel, odd."""


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A training run."""

    seed: int
    latent_channels: Annotated[int, msgspec.Meta(ge=1, le=176)]
    emphasis: tuple[Amount, Amount, Amount]
    """How much the fine, the middle and the coarse features count in the choice of what the latent keeps."""
    decoder: DecoderSettings
    corpus: CorpusSettings
    augmentation: Augmentation
    corruption: Corruption
    losses: Losses
    optimisation: Optimisation

    @property
    def id(self) -> str:
        """The first 12 hex digits of the SHA-256 over every value."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()[:12]


def read_recipe(path: Path | None = None) -> Recipe:
    """Read a recipe file, or the default recipe. Raises `EngineError` naming file and key."""
    source = resources.files("engines.learning").joinpath("recipe.toml") if path is None else path
    try:
        return msgspec.toml.decode(source.read_bytes(), type=Recipe)
    except OSError as error:
        raise EngineError(f"cannot read the recipe {source}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise EngineError(f"the recipe {source} does not fit: {error}") from error
