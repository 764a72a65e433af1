"""What a learnt bottleneck learns, on features whose nuisances and anomalies are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the learn extra")

import torch
from torch import Tensor

from engines.learning.bottleneck import train_bottleneck
from engines.learning.codes import Codes
from engines.learning.corpus import Family
from engines.learning.encoded import EncodedCorpus
from engines.learning.lessons import Lessons
from engines.learning.recipe import Recipe, read_recipe
from engines.learning.views import WHOLE

COUNT, CHANNELS = 8, 176


class Known:
    """Stands for the frozen encoder: features made of what there is, a light that changes, and what is spoilt.

    The light is a direction of its own that differs from view to view; what spoils is a faint direction that
    normal features hardly use.
    """

    def __init__(self) -> None:
        rng = torch.Generator().manual_seed(0)
        self.basis = torch.linalg.qr(torch.randn(CHANNELS, 24, generator=rng))[0].T
        self.content = torch.randn(COUNT, 32, 32, 16, generator=rng) * 2
        self.light = torch.randn(COUNT, 3, generator=rng) * 3
        self.light[:, 2] = self.light[:, 0]  # the spoilt version is the picture, spoilt
        self.rest = torch.randn(COUNT, 32, 32, CHANNELS, generator=rng) * 0.05

    def raw_features(self, pixels: Tensor) -> Tensor:
        """Features of the picture and the version that the first pixel names, [N, F, 32, 32]."""
        picture, version = pixels[:, 0, 0, 0].long(), pixels[:, 0, 0, 1].long()
        features: Tensor = self.content[picture] @ self.basis[:16] + self.rest[picture]
        light = self.light[picture, version][:, None, None, None]
        features += light * self.basis[16]
        spoilt = torch.zeros(len(pixels), 32, 32, 1)
        spoilt[version == 2, :16] = 1
        features += spoilt * 0.7 * self.basis[17]
        return features.permute(0, 3, 1, 2)


def families() -> Iterator[Family]:
    for picture in range(COUNT):
        pixels = np.zeros((3, 256, 256, 3), np.uint8)
        pixels[:, 0, 0, 0], pixels[:, 0, 0, 1] = picture, range(3)
        shares = np.zeros((1, 32, 32), np.float32)
        shares[:, :16] = 1
        yield Family(pixels, np.array([WHOLE, WHOLE], np.float32), shares)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> EncodedCorpus:
    corpus = EncodedCorpus(tmp_path_factory.mktemp("known"), COUNT, channels=CHANNELS, views=1, spoilt=1)
    corpus.fill(Known(), families(), lambda _: None)
    return corpus


def recipe(**bottleneck: Any) -> Recipe:
    usual = read_recipe()
    return msgspec.structs.replace(
        usual,
        latent_channels=20,
        emphasis=(1.0, 1.0, 1.0),
        views=msgspec.structs.replace(usual.views, count=1),
        anomalies=msgspec.structs.replace(usual.anomalies, count=1),
        bottleneck=msgspec.structs.replace(usual.bottleneck, rounds=100, **bottleneck),
        optimisation=msgspec.structs.replace(usual.optimisation, batch=4),
    )


def learnt(corpus: EncodedCorpus, wanted: Recipe) -> Codes:
    whitening = corpus.moments.whitening(20, np.ones(CHANNELS))
    if not wanted.bottleneck.learnt:
        return Codes(corpus, whitening)
    return Codes(corpus, whitening, train_bottleneck(wanted, corpus, whitening, range(COUNT), lambda _: None))


def distances(codes: Codes) -> tuple[float, float, float]:
    """Root mean squares of what lies between views of a place, spoilt and unspoilt versions, and two places."""
    base, view, spoilt = (codes.latent(codes.features(range(COUNT), version)) for version in range(3))
    other = base.roll(1, 0)
    apart = (view - base, (spoilt - base)[:, :16], other - base)
    return tuple(float(x.square().mean().sqrt()) for x in apart)  # type: ignore[return-value]


def test_the_contrastive_term_makes_views_of_a_place_alike(corpus: EncodedCorpus) -> None:
    plain, taught = distances(learnt(corpus, recipe())), distances(learnt(corpus, recipe(contrastive=0.5)))
    assert taught[0] / taught[2] < 0.7 * plain[0] / plain[2]


def test_self_supervised_pretraining_makes_views_of_a_place_alike(corpus: EncodedCorpus) -> None:
    plain, taught = distances(learnt(corpus, recipe())), distances(learnt(corpus, recipe(pretraining=60)))
    assert taught[0] / taught[2] < 0.8 * plain[0] / plain[2]


def test_the_one_class_objective_sets_spoilt_places_apart_from_views(corpus: EncodedCorpus) -> None:
    plain, taught = distances(learnt(corpus, recipe())), distances(learnt(corpus, recipe(one_class=2.0)))
    assert taught[1] / taught[0] > 1.2 * plain[1] / plain[0]


@pytest.mark.parametrize("keys", [{"contrastive": 0.5}, {"pyramid": True, "attention": 2}, {"variational": 0.05}])
def test_latents_are_centred_and_scaled_and_tell_the_features(corpus: EncodedCorpus, keys: dict[str, Any]) -> None:
    codes = learnt(corpus, recipe(**keys))
    latent = codes.latent(codes.features(range(COUNT))).flatten(0, 2)
    torch.testing.assert_close(latent.mean(0), torch.zeros(20), atol=1e-3, rtol=0)
    assert float(latent.var(0).mean()) == pytest.approx(1, rel=1e-2)
    assert 0.5 < codes.explained <= 1


def test_a_flow_leaves_latents_nearly_white(corpus: EncodedCorpus) -> None:
    codes = learnt(corpus, recipe(flow=2))
    assert codes.bottleneck is not None
    assert codes.bottleneck.flow is not None
    variance = codes.latent(codes.features(range(COUNT))).flatten(0, 2).var(0)
    assert 0.7 < variance.mean() < 1.3


def test_a_variational_bottleneck_is_surest_of_what_tells_most(corpus: EncodedCorpus) -> None:
    """With a dear code, directions that say little of the features become noise."""
    cheap, dear = (learnt(corpus, recipe(variational=weight)) for weight in (1e-4, 0.3))
    unsure = [codes.deviation(codes.features([0])).mean() for codes in (cheap, dear)]
    assert unsure[1] > 1.3 * unsure[0]


def test_lessons_across_views_keep_the_target_and_change_the_latent(corpus: EncodedCorpus) -> None:
    usual = recipe()
    crossed = msgspec.structs.replace(
        usual,
        views=msgspec.structs.replace(usual.views, cross=1.0),
        corruption=msgspec.structs.replace(usual.corruption, noise=0, memory=0, swap=0, mask=0),
    )
    codes = learnt(corpus, usual)
    drawn = Lessons(crossed, codes, range(COUNT), torch.Generator().manual_seed(0)).draw(0)
    torch.testing.assert_close(drawn.lesson.features, drawn.clean.features)
    torch.testing.assert_close(drawn.lesson.latent, codes.latent(codes.features(drawn.indices, 1)))
    assert (drawn.lesson.latent - drawn.clean.latent).abs().mean() > 0.01
