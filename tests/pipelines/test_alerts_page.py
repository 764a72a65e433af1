"""docs/alerts.md is all that a stranger has: what it says must be so."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jsonschema
import msgspec
import pytest

from pipelines.events import EventSettings
from pipelines.headers import AlertHeader, HealthHeader, JournalHeader, RegimeHeader, StatusHeader
from pipelines.publish import Publisher, PublishSettings
from pipelines.schema import wire_schema
from tests.pipelines.publishing import rig
from tests.pipelines.verdicts import Camera

PAGE = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    found = re.search(rf"^```{kind}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("kind", "header"),
    [
        ("alert", AlertHeader),
        ("status", StatusHeader),
        ("health", HealthHeader),
        ("regime", RegimeHeader),
        ("journal", JournalHeader),
    ],
)
def test_examples_are_valid_and_whole(kind: str, header: type[msgspec.Struct]) -> None:
    example = json.loads(block(f"json {kind}"))
    jsonschema.Draft202012Validator(wire_schema()).validate(example)
    assert list(example) == list(header.__struct_fields__)
    assert msgspec.json.decode(msgspec.json.encode(example), type=header)


@pytest.mark.parametrize("header", [AlertHeader, StatusHeader, HealthHeader, RegimeHeader, JournalHeader])
def test_every_field_is_explained(header: type[msgspec.Struct]) -> None:
    for name in header.__struct_fields__:
        assert re.search(rf"`{name}(\[\])?`", PAGE), name


def test_defaults_are_those_of_the_settings() -> None:
    settings = PublishSettings()
    assert f"`{settings.endpoint}`" in PAGE
    assert f"`high_water` messages ({settings.high_water})" in PAGE
    events = EventSettings()
    assert (events.update_s, events.update_max_s, events.peak_ratio) == (1, 60, 1.25)
    assert f"{events.update_growth} times the wait" in PAGE
    assert f"below {events.release_ratio:.0%} of the threshold".replace("%", " %") in PAGE
    assert f"for the cool-down, {events.cooldown_s:g} s" in PAGE


def test_the_example_subscriber_works_as_it_stands(tmp_path: Path) -> None:
    script, heard = tmp_path / "subscriber.py", tmp_path / "heard.txt"
    script.write_text(block("python"), encoding="utf-8")
    with rig() as made, heard.open("w") as out:
        process = subprocess.Popen([sys.executable, str(script), made.publisher.endpoint], stdout=out, cwd=tmp_path)
        try:
            _step_until(made.publisher, lambda: "starting" in heard.read_text())
            made.publisher.offer(Camera().verdict(5.0))
            _step_until(made.publisher, lambda: "begin" in heard.read_text())
        finally:
            process.kill()
            process.wait()
    first, second = heard.read_text().splitlines()
    assert first.endswith("yard starting no frame yet")
    assert second.endswith("yard begin boot1-yard-1 score 5.0 of 3.0")
    assert (tmp_path / "boot1-1.jpg").read_bytes()[:2] == b"\xff\xd8"


def _step_until(publisher: Publisher, done: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not done():
        assert time.monotonic() < end, "the subscriber heard nothing"
        publisher.step()
