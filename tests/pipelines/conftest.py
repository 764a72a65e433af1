from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.detector import Detector
from engines.profile import Profile
from engines.runtime.openvino import OpenVinoEngine
from pipelines.infer import Judge
from pipelines.sources.source import Sample
from tests.pipelines.judging import Room, room_of, samples_of


@pytest.fixture
def judge(profile: Profile) -> Judge:
    engine = OpenVinoEngine(profile.network, threads=1)
    return Judge(engine, Detector(engine, {"a": profile, "b": profile}))


@pytest.fixture
def room(judge: Judge) -> Iterator[Room]:
    with room_of({"a": judge, "b": judge}) as room:
        yield room


@pytest.fixture(scope="module")
def samples(odd_clip: Path) -> list[Sample]:
    return samples_of(odd_clip)
