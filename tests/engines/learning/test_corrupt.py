from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the learn extra")

import torch

from engines.learning.corrupt import Lesson, add_noise, blank, corrupt, remember, swap
from engines.learning.recipe import read_recipe


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def lesson() -> Lesson:
    rng = seeded()
    shapes = ((4, 16, 16, 8), (4, 16, 16, 20), (4, 64, 64, 3))
    return Lesson(*(torch.rand(*shape, generator=rng) for shape in shapes))


def test_the_targets_follow_a_swap(lesson: Lesson) -> None:
    out = swap(lesson, 1.0, seeded())
    taken = (out.latent != lesson.latent).any(-1)
    assert 0 < taken.float().mean() < 0.5
    assert torch.equal(taken, (out.features != lesson.features).any(-1))
    assert torch.equal(out.latent[taken], lesson.latent.roll(1, 0)[taken])
    pixels = taken.repeat_interleave(4, 1).repeat_interleave(4, 2)
    assert torch.equal(out.picture[pixels], lesson.picture.roll(1, 0)[pixels])
    assert torch.equal(out.picture[~pixels], lesson.picture[~pixels])


def test_a_memory_gives_latents_of_the_same_picture(lesson: Lesson) -> None:
    out = remember(lesson.latent, 1.0, seeded())
    for before, after in zip(lesson.latent, out, strict=True):
        assert torch.cdist(after.flatten(0, 1), before.flatten(0, 1)).min(1).values.max() < 1e-3
        kept = (before == after).all(-1).float().mean()
        assert 0.4 < kept < 0.6


def test_blanked_places_are_the_mean(lesson: Lesson) -> None:
    out = blank(lesson.latent, 1.0, seeded())
    emptied = (out == 0).all(-1).flatten(1).all(1)
    assert 0 < emptied.sum() < 4
    assert torch.equal(out[~emptied], lesson.latent[~emptied])


def test_noise_has_no_bias_and_a_bound(lesson: Lesson) -> None:
    noise = add_noise(lesson.latent, 0.5, seeded()) - lesson.latent
    assert abs(float(noise.mean())) < 0.02
    assert 0.01 < float(noise.std()) < 0.5


def test_the_lesson_given_is_left_as_it_is_and_a_seed_decides(lesson: Lesson) -> None:
    before = lesson.latent.clone()
    settings = read_recipe().corruption
    one, two = (corrupt(lesson, settings, seeded(4)) for _ in range(2))
    assert torch.equal(lesson.latent, before)
    assert torch.equal(one.latent, two.latent)
    assert not torch.equal(one.latent, before)
