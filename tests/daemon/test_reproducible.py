"""The same footage on the same machine gives the same profile and the same scores, whichever process makes them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from daemon.commands.footage import samples, source_of
from engines.contract import Batch
from engines.detector import Detector
from engines.profile import Profile
from engines.runtime.openvino import OpenVinoEngine
from pipelines.sources.spec import parse_source
from tests.daemon.running import ROOT


@pytest.fixture(scope="module")
def made(normal_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Profile, str]]:
    """Two enrolments on the same footage, side by side, each in a process of its own, and what they print."""
    paths = [tmp_path_factory.mktemp("twice") / name for name in ("first.vigil", "second.vigil")]
    command = [sys.executable, "-m", "daemon", "enrol", f"{normal_clip}#t=0,12", "--fps", "5", "--out"]
    running = [
        subprocess.Popen([*command, str(path)], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for path in paths
    ]
    said = [one.communicate(timeout=110) for one in running]
    assert [one.returncode for one in running] == [0, 0], said
    return [(Profile.load(path), text) for path, (text, _) in zip(paths, said, strict=True)]


def test_two_enrolments_give_the_same_scores(made: list[tuple[Profile, str]], odd_clip: Path) -> None:
    profiles = {f"profile {number}": profile for number, (profile, _) in enumerate(made)}
    engine = OpenVinoEngine(made[0][0].network, threads=1)
    scores: dict[str, list[float]] = {name: [] for name in profiles}
    with closing(engine):
        engine.open()
        detector = Detector(engine, profiles)
        for sample in samples(source_of(parse_source(f"{odd_clip}#t=1,5"), 5, engine.spec.input_size)):
            for name in profiles:
                scores[name].append(detector.score(Batch((name,), (sample.time_s,), sample.pixels[None])).score[0])
    first, second = (np.array(one) for one in scores.values())
    assert len(first) == 20
    assert first.max() > 2 * first.min(), "there is something to tell apart"
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-4)
    assert made[0][0].threshold == pytest.approx(made[1][0].threshold, abs=1e-4)


def test_they_say_the_same_of_where_they_come_from(made: list[tuple[Profile, str]], normal_clip: Path) -> None:
    first, second = ({k: v for k, v in profile.provenance.items() if k != "made"} for profile, _ in made)
    assert json.dumps(first["sources"]) == json.dumps(second["sources"])
    assert first["versions"] == second["versions"]
    (source,) = first["sources"]
    assert source["sha256"] == hashlib.sha256(normal_clip.read_bytes()).hexdigest()


def test_the_threshold_is_promised_in_one_plain_line(made: list[tuple[Profile, str]]) -> None:
    line = made[0][1].replace("\n", " ")
    assert "expect 1 false alarm a day; from 0.2 minutes of footage the true rate may be anywhere from" in line
