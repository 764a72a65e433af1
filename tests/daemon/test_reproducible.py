"""The same footage on the same machine gives the same profile and the same scores, whichever process makes them."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.profile import Profile
from tests.daemon.running import ROOT


def vigil(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", "daemon", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=110).stdout


@pytest.fixture(scope="module")
def made(normal_clip: Path, odd_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Two enrolments and what they score, each command in a process of its own."""
    folder, twice = tmp_path_factory.mktemp("twice"), []
    for name in ("first", "second"):
        profile, scores = folder / f"{name}.vigil", folder / f"{name}.csv"
        said = vigil("enrol", f"{normal_clip}#t=0,14", "--fps", "5", "--out", profile)
        vigil("score", f"{odd_clip}#t=0,5", "-p", profile, "--fps", "5", "--out", scores)
        with scores.open(newline="") as file:
            rows = [float(row["score"]) for row in csv.DictReader(file)]
        twice.append({"said": said, "profile": Profile.load(profile), "scores": np.array(rows)})
    return twice


def test_two_enrolments_give_the_same_scores(made: list[dict[str, Any]]) -> None:
    first, second = made
    assert len(first["scores"]) == 25
    np.testing.assert_allclose(first["scores"], second["scores"], rtol=0, atol=1e-4)
    assert first["profile"].threshold == pytest.approx(second["profile"].threshold, abs=1e-4)


def test_they_say_the_same_of_where_they_come_from(made: list[dict[str, Any]], normal_clip: Path) -> None:
    first, second = ({k: v for k, v in one["profile"].provenance.items() if k != "made"} for one in made)
    assert json.dumps(first["sources"]) == json.dumps(second["sources"])
    assert first["versions"] == second["versions"]
    (source,) = first["sources"]
    assert source["sha256"] == hashlib.sha256(normal_clip.read_bytes()).hexdigest()


def test_the_threshold_is_promised_in_one_plain_line(made: list[dict[str, Any]]) -> None:
    line = made[0]["said"].replace("\n", " ")
    assert "expect 1 false alarm a day; from 0.2 minutes of footage the true rate may be anywhere from" in line
