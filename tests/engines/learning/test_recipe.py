from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path

import msgspec
import pytest

from engines.errors import EngineError
from engines.learning.recipe import read_recipe
from engines.network.sizes import SIZES


def switched(key: str, value: object) -> str:
    """The text of the default recipe with one key changed."""
    text = resources.files("engines.learning").joinpath("recipe.toml").read_text()
    changed = re.sub(rf"^{key} = \S+", f"{key} = {json.dumps(value)}", text, flags=re.MULTILINE)
    assert changed != text
    return changed


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
        (switched("contrastive", 0.1), "views.count"),
        (switched("one_class", 0.1), "anomalies"),
        (switched("size", "huge"), "size"),
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


def test_a_recipe_of_before_there_were_switches_still_reads(tmp_path: Path) -> None:
    """The provenance of networks and recipes of users may lack them all: what is missing is off."""
    text = resources.files("engines.learning").joinpath("recipe.toml").read_text()
    for section in ("views", "anomalies", "bottleneck", "curriculum"):
        text = re.sub(rf"^\[{section}\]\n(?:[^\[\n].*\n|\n)*", "", text, flags=re.MULTILINE)
    path = tmp_path / "old.toml"
    path.write_text(text)
    assert read_recipe(path) == read_recipe()


def test_a_size_decides_and_a_key_of_its_own_overrides() -> None:
    recipe = msgspec.structs.replace(read_recipe(), size="small")
    assert recipe.shape == SIZES["small"]
    assert msgspec.structs.replace(recipe, latent_channels=5).shape.latent_channels == 5
