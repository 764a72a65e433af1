from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engines.errors import EngineError
from engines.learning.recipe import read_recipe
from engines.network.sizes import SIZES


def test_the_default_recipe_reads() -> None:
    recipe = read_recipe()
    assert recipe.shape == SIZES["base"]
    assert recipe.corpus.photographs + recipe.corpus.frames <= 1


def test_the_id_follows_every_value() -> None:
    recipe = read_recipe()
    other = msgspec.structs.replace(recipe, losses=msgspec.structs.replace(recipe.losses, feature_cosine=0.25))
    assert recipe.id == read_recipe().id != other.id


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("seed = 'seven'", "seed"),
        ("seed = 1", "missing required field"),
        ("sed = 1", "sed"),
        ("seed = ", "recipe"),
    ],
)
def test_a_recipe_that_does_not_fit_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(EngineError, match=told) as caught:
        read_recipe(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"none\.toml"):
        read_recipe(tmp_path / "none.toml")
