from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec
import numpy as np
import pytest

from engines.contract import Pixels
from engines.learning.corpus import families, pictures, versions
from engines.learning.photographs import PHOTOGRAPHS, photographs
from engines.learning.procedural import procedural
from engines.learning.recipe import Recipe, read_recipe

pytest.importorskip("skimage", reason="needs the learn extra")


@pytest.fixture
def recipe() -> Recipe:
    recipe = read_recipe()
    return msgspec.structs.replace(recipe, corpus=msgspec.structs.replace(recipe.corpus, pictures=12))


def red(count: int) -> Iterator[Pixels]:
    """Frames that nothing else in the corpus resembles."""
    for _ in range(count):
        yield np.full((90, 160, 3), (255, 0, 0), np.uint8)


def test_every_photograph_is_there() -> None:
    assert len(photographs()) == len(PHOTOGRAPHS)


def test_as_many_pictures_as_asked_for(recipe: Recipe) -> None:
    made = list(pictures(recipe, red(0)))
    assert len(made) == 12
    assert {picture.shape for picture in made} == {(256, 256, 3)}


def test_equal_recipes_give_equal_pictures(recipe: Recipe) -> None:
    for one, two in zip(pictures(recipe, red(5)), islice(pictures(recipe, red(5)), 6), strict=False):
        np.testing.assert_array_equal(one, two)


def test_frames_given_are_used_while_they_last(recipe: Recipe) -> None:
    only_frames = msgspec.structs.replace(recipe.corpus, frames=1.0, photographs=0.0)
    rest = red(20)
    list(pictures(msgspec.structs.replace(recipe, corpus=only_frames), rest))
    assert len(list(rest)) == 8
    assert len(list(pictures(msgspec.structs.replace(recipe, corpus=only_frames), red(3)))) == 12


def with_versions(recipe: Recipe, **views: float) -> Recipe:
    return msgspec.structs.replace(
        recipe,
        corpus=msgspec.structs.replace(recipe.corpus, frames=1.0, photographs=0.0),
        views=msgspec.structs.replace(recipe.views, count=2, **views),
        anomalies=msgspec.structs.replace(recipe.anomalies, count=1),
    )


def test_families_hold_the_picture_its_views_and_what_was_spoilt(recipe: Recipe) -> None:
    wanted = with_versions(recipe, scales=1.0)
    for family in islice(families(wanted, red(0)), 4):
        assert family.pixels.shape == (versions(wanted), 256, 256, 3) == (4, 256, 256, 3)
        assert family.windows.shape == (3, 3)
        assert (family.windows[0] == (0, 0, 1)).all()
        assert (family.windows[1:, 2] < 1).all()
        assert family.spoilt.shape == (1, 32, 32)


def test_versions_do_not_change_the_pictures(recipe: Recipe) -> None:
    alone = with_versions(recipe)
    alone = msgspec.structs.replace(alone, views=recipe.views, anomalies=recipe.anomalies)
    pairs = zip(families(with_versions(recipe), red(0)), pictures(alone, red(0)), strict=True)
    for family, picture in islice(pairs, 4):
        np.testing.assert_array_equal(family.pixels[0], picture)


def test_moments_are_of_the_same_camera_in_the_same_crop(recipe: Recipe) -> None:
    place = procedural(np.random.default_rng(3), 256)
    later = place.copy()
    later[96:160, 96:160] = (255, 0, 255)
    wanted = msgspec.structs.replace(
        with_versions(recipe, moments=1.0),
        augmentation=msgspec.structs.replace(recipe.augmentation, blur=0, noise=0, jpeg=0),
    )
    family = next(families(wanted, iter([place, later])))
    moments = [np.abs(view.astype(int) - family.pixels[0]).max(-1) for view in family.pixels[1:3]]
    # Apart from the light, which may differ, only a part has changed: the median pixel has moved alike everywhere.
    assert any((difference > np.median(difference) + 20).mean() > 0.01 for difference in moments)
    assert (family.windows == (0, 0, 1)).all()
