"""The rows of the ablation table stand for recipes that can be trained, each unlike all others."""

from __future__ import annotations

import msgspec
import pytest

pytest.importorskip("torch", reason="needs the learn extra")

from benchmarks.ablation import render
from benchmarks.ablation_rows import BASELINE, ROWS
from engines.learning.recipe import Recipe, read_recipe

SWITCHES = ("views", "anomalies", "bottleneck", "curriculum", "decoder", "losses")
SHARED = {"count", "rounds", "until", "width", "kernels"}
"""Keys that no row is about: amounts that several rows share, and what the size decides."""


@pytest.fixture
def default() -> Recipe:
    usual = read_recipe()
    return msgspec.structs.replace(
        usual,
        views=msgspec.structs.replace(usual.views, count=2, moments=0.3, scales=0.3),
        anomalies=msgspec.structs.replace(usual.anomalies, count=1),
    )


def test_every_row_is_a_recipe_of_its_own(default: Recipe) -> None:
    assert ROWS[BASELINE].recipe(default) == default
    assert len({row.recipe(default).id for row in ROWS.values()}) == len(ROWS)


def test_every_switch_has_a_row(default: Recipe) -> None:
    moved = {
        f"{section}.{key}"
        for row in ROWS.values()
        for section in SWITCHES
        for key in getattr(default, section).__struct_fields__
        if getattr(getattr(row.recipe(default), section), key) != getattr(getattr(default, section), key)
    }
    wanted = {
        f"{section}.{key}"
        for section in SWITCHES
        for key in getattr(default, section).__struct_fields__
        if key not in SHARED
    }
    # Features' own losses and the picture's gradient and structure are the decoder's objective itself.
    assert wanted - moved <= {f"losses.{name}" for name in default.losses.__struct_fields__ if "_" in name}


def test_the_table_shows_both_kinds_of_auroc() -> None:
    columns = {name: {"frame": 0.9, "pixel": 0.8} for name in ("appearance-latent", "appearance-reconstruction")}
    row = {
        "row": "skips",
        "technique": "past the trunk",
        "sets": {"tiles": {**columns, "fused": {"frame": 1.0, "pixel": None}}},
        "figures": {"feature_explained": 0.7, "picture_psnr_db": 20.0},
        "gflop": 0.9,
        "ms": 8.0,
    }
    head, rule, line = render({"rows": [row]}).splitlines()
    assert head.count("|") == rule.count("|") == line.count("|")
    assert "| 0.900 / 0.800 | 0.900 / 0.800 | 1.000 |" in line
