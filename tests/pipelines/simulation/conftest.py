from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.simulation.encode import encode_scene
from pipelines.simulation.rtsp import RtspServer
from pipelines.simulation.scene import Scene, plan_anomalies
from pipelines.simulation.sidecar import ClipTruth

SMALL = (160, 96)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a small scene: short, so that tests see it start over; many key frames, so that none waits."""
    path = tmp_path_factory.mktemp("clips") / "short.mp4"
    encode_scene(Scene(3, seed=1, size=SMALL), path, seconds=2.0, key_interval_s=1 / 3)
    return path


@pytest.fixture(scope="session")
def planted_clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ClipTruth]:
    """A clip with an anomaly in it."""
    path = tmp_path_factory.mktemp("clips") / "planted.mp4"
    return path, encode_scene(
        Scene(5, seed=1, anomalies=plan_anomalies(5, 120, seed=1), size=SMALL), path, seconds=12.0
    )


@pytest.fixture
def server(clip: Path) -> Iterator[RtspServer]:
    with RtspServer({"front": clip, "back": clip}) as running:
        yield running
