from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec
import numpy as np
import pytest

from engines.contract import Pixels
from engines.learning.corpus import pictures
from engines.learning.photographs import PHOTOGRAPHS, photographs
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
