from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.network.files import Network
from engines.runtime.cache import MAGIC, SUFFIX, EngineCache, key_of

KEY = {"model": "abc", "runtime": "openvino 1", "device": "a processor", "precision": "bf16"}


class Builder:
    """Counts how often it had to build."""

    def __init__(self, engine: bytes = b"engine") -> None:
        self.engine, self.built = engine, 0

    def __call__(self) -> bytes:
        self.built += 1
        return self.engine


def test_builds_once(tmp_path: Path) -> None:
    builder = Builder()
    for _ in range(3):
        assert EngineCache(tmp_path / "new").load_or_build(KEY, builder) == b"engine"
    assert builder.built == 1


@pytest.mark.parametrize("part", KEY)
def test_each_part_of_the_key_counts(tmp_path: Path, part: str) -> None:
    cache, builder = EngineCache(tmp_path), Builder()
    cache.load_or_build(KEY, builder)
    cache.load_or_build({**KEY, part: "other"}, builder)
    assert builder.built == 2
    assert cache.load(KEY) == b"engine"


def test_the_order_of_the_key_does_not(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path)
    assert cache.path(KEY) == cache.path(dict(reversed(KEY.items())))


def damaged(data: bytes) -> dict[str, bytes]:
    flipped = bytearray(data)
    flipped[-1] ^= 1
    return {
        "empty": b"",
        "cut short": data[: len(data) // 2],
        "cut in the head": data[:10],
        "one bit": bytes(flipped),
        "foreign": b"#!/bin/sh\n" * 20,
        "only the magic": MAGIC,
        "longer": data + b"more",
    }


@pytest.mark.parametrize("how", damaged(b"x"))
def test_a_damaged_entry_is_built_again(tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture) -> None:
    cache, builder = EngineCache(tmp_path), Builder()
    cache.load_or_build(KEY, builder)
    path = cache.path(KEY)
    path.write_bytes(damaged(path.read_bytes())[how])
    assert cache.load_or_build(KEY, builder) == b"engine"
    assert cache.load_or_build(KEY, builder) == b"engine"
    assert builder.built == 2
    assert "building the engine again" in caplog.text


def test_an_entry_under_another_name_is_not_taken(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache, other = EngineCache(tmp_path), {**KEY, "device": "another processor"}
    cache.load_or_build(KEY, Builder(b"for this one"))
    cache.path(KEY).rename(cache.path(other))
    assert cache.load_or_build(other, Builder(b"for that one")) == b"for that one"
    assert "built for something else" in caplog.text


def test_a_folder_in_place_of_an_entry_costs_the_cache_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache, builder = EngineCache(tmp_path), Builder()
    cache.path(KEY).mkdir()
    assert cache.load_or_build(KEY, builder) == b"engine"
    assert "cannot keep the engine" in caplog.text


def test_a_place_that_cannot_hold_a_folder_costs_the_cache_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    assert EngineCache(tmp_path / "file" / "cache").load_or_build(KEY, Builder()) == b"engine"
    assert "cannot keep the engine" in caplog.text


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> bytes:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        EngineCache(tmp_path).load_or_build(KEY, fail)
    assert not list(tmp_path.iterdir())


def test_what_was_not_used_for_long_goes(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path, oldest_days=1)
    cache.load_or_build(KEY, Builder())
    long_ago = time.time() - 2 * 86400
    os.utime(cache.path(KEY), (long_ago, long_ago))
    cache.load_or_build({**KEY, "precision": "f32"}, Builder())
    assert not cache.path(KEY).exists()
    assert len(list(tmp_path.glob(f"*{SUFFIX}"))) == 1


def test_use_keeps_an_entry_young(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path, oldest_days=1)
    cache.load_or_build(KEY, Builder())
    long_ago = time.time() - 2 * 86400
    os.utime(cache.path(KEY), (long_ago, long_ago))
    cache.load_or_build(KEY, Builder())
    cache.prune()
    assert cache.path(KEY).exists()


def test_what_was_used_longest_ago_makes_room(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path, most_bytes=3000)
    for age, precision in enumerate(("f32", "bf16", "int8")):
        key = {**KEY, "precision": precision}
        cache.load_or_build(key, Builder(bytes(1200)))
        then = time.time() - 100 + age
        os.utime(cache.path(key), (then, then))
    cache.prune()
    assert not cache.path({**KEY, "precision": "f32"}).exists()
    assert cache.path({**KEY, "precision": "int8"}).exists()


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    cache = EngineCache(tmp_path, most_bytes=0, oldest_days=0)
    cache.load_or_build(KEY, Builder())
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_key_tells_model_precision_device_and_more(network: Network) -> None:
    assert key_of(network, "f16", "a card 9.0", options="x") == {
        "model": network.id,
        "precision": "f16",
        "device": "a card 9.0",
        "options": "x",
    }


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=300), st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=4))
def test_any_engine_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, engine: bytes, key: dict[str, str]
) -> None:
    cache = EngineCache(tmp_path_factory.mktemp("cache"))
    cache.load_or_build(key, lambda: engine)
    assert cache.load(key) == engine
