"""The rows of the ablation table stand for recipes that can be trained, each unlike all others."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the learn extra")
pytest.importorskip("sklearn", reason="needs the evaluate extra")

import torch

from benchmarks.ablation import chosen, default_recipe, present
from benchmarks.ablation_features import FrozenFeatures, SharedEngine
from benchmarks.ablation_judge import COLUMNS, together
from benchmarks.ablation_learn import Frames, School, corpus_key
from benchmarks.ablation_render import chance, render
from benchmarks.ablation_rows import BASELINE, ROWS, SEEDS
from engines.contract import Floats, Pixels
from engines.learning.procedural import procedural
from engines.learning.recipe import Recipe
from engines.learning.train import fresh_encoder
from engines.network.files import shared_network

SECTIONS = (
    "augmentation",
    "views",
    "anomalies",
    "bottleneck",
    "curriculum",
    "corruption",
    "losses",
    "optimisation",
    "decoder",
)
AMOUNTS = {"count", "rounds", "until", "width", "kernels", "steps", "batch", "learning_rate", "threads"}
"""Keys that no row is about: amounts that several rows share, and what the size decides."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def default() -> Recipe:
    return default_recipe(argparse.Namespace(steps=4, batch=3, pictures=9, rounds=3))


def test_every_row_is_a_recipe_of_its_own(default: Recipe) -> None:
    assert ROWS[BASELINE].recipe(default) == default
    assert len({row.recipe(default).id for row in ROWS.values()}) == len(ROWS)


def test_every_switch_has_a_row(default: Recipe) -> None:
    keys = {
        f"{section}.{key}"
        for section in SECTIONS
        for key in getattr(default, section).__struct_fields__
        if key not in AMOUNTS
    }
    moved = {key for row in ROWS.values() for key in keys if value(row.recipe(default), key) != value(default, key)}
    # Features' own losses and the picture's gradient and structure are the decoder's objective itself.
    assert keys - moved <= {f"losses.{name}" for name in default.losses.__struct_fields__ if "_" in name}


def value(recipe: Recipe, key: str) -> object:
    section, name = key.split(".")
    return getattr(getattr(recipe, section), name)


def test_rows_that_learn_from_the_same_pictures_run_side_by_side(default: Recipe) -> None:
    order = list(chosen("all", default))
    assert order[0] == BASELINE
    assert sorted(order) == sorted(ROWS)
    keys = [corpus_key(ROWS[name].recipe(default)) for name in order]
    assert len([key for key, _ in groupby(keys)]) == len(set(keys)) < len(ROWS) / 2


def judged(row: str, frame: float, pixel: float | None = 0.8) -> dict[str, Any]:
    return {
        "row": row,
        "sets": {"tiles": {name: {"frame": frame, "pixel": pixel} for name in COLUMNS}},
        "figures": {"feature_explained": 0.7, "picture_psnr_db": 20.0},
        "gflop": 0.9,
        "ms": 8.0,
    }


def test_the_table_shows_what_chance_moves_and_what_it_does_not() -> None:
    seeds = zip((BASELINE, *SEEDS), (0.90, 0.91, 0.92, 0.91), strict=True)
    rows = [*(judged(name, frame) for name, frame in seeds), judged("skips", 0.97), judged("flow", 0.915)]
    low, high = chance(rows, lambda row: row["sets"]["tiles"]["appearance"]["frame"]) or (0.0, 0.0)
    assert low == pytest.approx(0.881, abs=1e-3)
    assert high == pytest.approx(0.939, abs=1e-3)
    lines = render({"rows": rows}).splitlines()
    assert all(line.count("|") == lines[2].count("|") for line in lines[2:10])
    assert "**0.9700**" in next(line for line in lines if "skips" in line)
    assert "**" not in next(line for line in lines if "flow" in line)


def test_no_chance_is_told_from_two_seeds_and_no_pixels_where_there_are_none() -> None:
    rows = [judged(BASELINE, 0.9, None), judged("seed-8", 0.91, None)]
    text = render({"rows": rows})
    assert chance(rows, lambda row: row["gflop"]) is None
    assert "pixel" not in text
    assert "chance" not in text


def test_two_signals_together_are_at_least_the_stronger() -> None:
    one, two = np.array([0, 1, 2], np.float32), np.array([3, 1, 0], np.float32)
    np.testing.assert_allclose(together(one, two), [3, 2 ** (1 / 3), 2], rtol=1e-6)


def test_sets_that_are_not_there_are_left_out_and_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert present(argparse.Namespace(sets="tiles,ped1", data=tmp_path), tmp_path) == {}
    assert capsys.readouterr().err.count("left out") == 2
    with pytest.raises(SystemExit, match="not a set"):
        present(argparse.Namespace(sets="nothing", data=tmp_path), tmp_path)


def test_features_are_computed_once_and_tell_the_same(default: Recipe, tmp_path: Path) -> None:
    encoder = fresh_encoder(default)
    encoder.adopt(torch.randn(176), torch.rand(176) + 0.5, torch.randn(64, 176) / 13)
    seen: list[int] = []

    def encode(pixels: Pixels) -> Floats:
        seen.append(len(pixels))
        with torch.no_grad():
            return encoder.raw_features(torch.from_numpy(pixels.copy())).permute(0, 2, 3, 1).numpy()

    pictures = np.stack([procedural(np.random.default_rng(seed), 256) for seed in range(2)])
    for _ in range(2):  # the second store reads what the first has written
        engine = SharedEngine(shared_network(), encoder, FrozenFeatures(default, tmp_path, encode))
        shared = engine.encode(pictures[[0, 1, 0]])
    assert seen == [1, 1]
    with torch.no_grad():
        direct = encoder(torch.from_numpy(pictures))
    np.testing.assert_allclose(shared.latent[:2], direct.latent.numpy(), rtol=1e-3, atol=0.02)
    np.testing.assert_allclose(shared.features[:2], direct.features.numpy(), rtol=1e-3, atol=0.02)
    np.testing.assert_array_equal(shared.latent[0], shared.latent[2])


def test_runs_may_share_the_features_and_a_record_cut_off_is_written_over(default: Recipe, tmp_path: Path) -> None:
    def encode(pixels: Pixels) -> Floats:
        return np.full((1, 32, 32, 176), float(pixels.max()), np.float32)

    stores = [FrozenFeatures(default, tmp_path, encode) for _ in range(2)]
    pictures = np.arange(8, dtype=np.uint8)[:, None, None, None] * np.ones((1, 256, 256, 3), np.uint8)
    for index in range(6):
        stores[index % 2].of(pictures[index : index + 1])
    with (tmp_path / "base.features").open("ab") as file:
        file.write(b"cut off")
    stores[0].of(pictures[6:7])
    third = FrozenFeatures(default, tmp_path, lambda _: np.full((1, 32, 32, 176), -1, np.float32))
    assert third.of(pictures)[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, -1]


def test_frames_are_drawn_once_and_given_to_all() -> None:
    frames = Frames()
    every, second = list(islice(frames.every(1), 3)), list(islice(frames.every(2), 2))
    assert second[0] is every[0]
    assert second[1] is every[2]


def test_a_network_is_trained_once_and_kept(default: Recipe, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="needs the learn extra")
    recipe = msgspec.structs.replace(
        default,
        latent_channels=12,
        decoder=msgspec.structs.replace(default.decoder, width=16, kernels=(3,)),
        corpus=msgspec.structs.replace(default.corpus, photographs=0.0, frames=0.0),
        bottleneck=msgspec.structs.replace(default.bottleneck, flow=2),
    )
    school = School(tmp_path)
    school.frozen["base"] = FrozenFeatures(
        recipe, tmp_path, lambda _: np.random.default_rng(0).random((1, 32, 32, 176), np.float32)
    )
    first = school.made(recipe)
    again = School(tmp_path).made(recipe)
    assert again.network.id == first.network.id
    raw = torch.rand(1, 176, 32, 32)
    torch.testing.assert_close(again.encoder.conclude(raw).latent, first.encoder.conclude(raw).latent)
    assert first.encoder.bottleneck is not None
    assert set(first.facts) == {"figures", "gflop", "ms", "encode_s", "train_s"}
