"""The recipe: everything that decides what a training run makes. One file, one seed, one network."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec

from engines.errors import EngineError
from engines.network.sizes import SIZES, Size, SizeName
from engines.quoting import shortened

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Amount = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Number = Annotated[int, msgspec.Meta(ge=0)]


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


class ViewSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Further views of each picture, encoded beside it: relit ones unless said otherwise (`learning.views`)."""

    count: Number = 0
    """How many a picture; each costs an encoding."""
    moments: Share = 0.0
    """Share that shows another moment of the same camera, where the corpus has one."""
    scales: Share = 0.0
    """Share that is a closer look at a part."""
    cross: Share = 0.0
    """Share of the decoder's lessons whose latents come from a view while the target stays the picture."""


class AnomalySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Synthetic anomalies: negatives for the one-class objective (`learning.anomalies`)."""

    count: Number = 0
    """Spoilt versions of each picture; each costs an encoding."""
    patches: Amount = 1.0
    """How often, against the others, a patch of another picture is pasted."""
    blends: Amount = 1.0
    """How often one is blended in without a seam."""
    textures: Amount = 1.0
    """How often a texture shaped by noise covers a part."""


class BottleneckSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is learnt of the bottleneck; with everything off it is linear and fitted in closed form."""

    pyramid: bool = False
    """Each place's latent takes in its surroundings at every scale."""
    attention: Number = 0
    """Heads with which each place looks at the whole picture."""
    contrastive: Amount = 0.0
    """Weight of InfoNCE between the views of a place."""
    one_class: Amount = 0.0
    """Weight of the one-class objective."""
    variational: Amount = 0.0
    """Weight of the KL divergence of a variational bottleneck."""
    pretraining: Number = 0
    """Steps of self-supervision (VICReg) before all else."""
    flow: Number = 0
    """Couplings of a flow that makes the latents Gaussian."""
    rounds: Count = 300
    """Steps, if anything is learnt; the flow takes as many of its own."""

    @property
    def learnt(self) -> bool:
        """Whether anything is on."""
        weights = (self.contrastive, self.one_class, self.variational, self.pretraining, self.flow)
        return self.pyramid or bool(self.attention) or any(weights)


class Curriculum(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Easy to hard (`learning.curriculum`)."""

    pool: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    """Share of the pictures, the easiest ones, that the decoder begins with; 1 is no curriculum."""
    hardness: Share = 1.0
    """Share of the corruption that it begins with."""
    until: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
    """Share of the run after which it has everything."""


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
    picture_square: Amount = 0.0
    """Mean squared error of the picture."""
    perceptual: Amount = 0.0
    """Error of the regenerated picture as the frozen encoder sees it."""
    adversarial: Share = 0.0
    """The adversary's gradient is at most this share of the others' (`learning.adversary`)."""


class Optimisation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """AdamW with a warm-up and a cosine decay (Loshchilov and Hutter, ICLR 2019)."""

    steps: Count
    batch: Annotated[int, msgspec.Meta(ge=2)]
    learning_rate: Annotated[float, msgspec.Meta(gt=0)]
    weight_decay: Amount
    spectral_bound: Amount = 0.0
    """Largest gain of a pointwise convolution in trunk and bottleneck; 0 is none."""
    threads: Count
    """More are faster, but only an equal number gives equal weights."""


class DecoderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The decoder."""

    width: Count | None = None
    """Instead of the size's."""
    kernels: tuple[Count, ...] | None = None
    """Instead of the size's; one a block: the side of its depthwise kernel, odd."""
    attention: Number = 0
    """Heads of attention at the end of the trunk."""
    skips: bool = False
    """Lead the latent, and nothing but the latent, past the trunk."""
    ensemble: Count = 1
    """Decoders that answer as one; each costs as much as the first."""
    diffusion: Number = 0
    """Steps of denoising before decoding."""


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A training run."""

    seed: int
    size: SizeName = "base"
    latent_channels: Annotated[int, msgspec.Meta(ge=1, le=176)] | None = None
    """Instead of the size's."""
    emphasis: tuple[Amount, Amount, Amount]
    """How much the fine, the middle and the coarse features count in the choice of what the latent keeps."""
    decoder: DecoderSettings = DecoderSettings()
    corpus: CorpusSettings
    augmentation: Augmentation
    views: ViewSettings = ViewSettings()
    anomalies: AnomalySettings = AnomalySettings()
    bottleneck: BottleneckSettings = BottleneckSettings()
    curriculum: Curriculum = Curriculum()
    corruption: Corruption
    losses: Losses
    optimisation: Optimisation

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        learnt = self.bottleneck
        if (learnt.contrastive or learnt.pretraining or self.views.cross) and not self.views.count:
            raise ValueError("contrastive, pretraining and cross compare views: set views.count to 1 or more")
        if learnt.one_class and not (self.views.count and self.anomalies.count):
            raise ValueError("one_class needs views to pull together and anomalies to push away: set both counts")

    @property
    def shape(self) -> Size:
        """The size with what the recipe says instead."""
        size = SIZES[self.size]
        return Size(
            size.scales,
            self.latent_channels or size.latent_channels,
            self.decoder.width or size.width,
            size.kernels if self.decoder.kernels is None else self.decoder.kernels,
        )

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
        raise EngineError(f"the recipe {source} does not fit: {shortened(error)}") from error
