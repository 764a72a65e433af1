"""What every test is held to: no thread, no ZeroMQ context and no descriptor of a socket is left behind."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zmq
from hypothesis import settings

from engines.enrolment import Enrolment, EnrolmentSettings
from engines.network.files import shared_network
from engines.profile import Profile
from engines.runtime.openvino import OpenVinoEngine
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.sources.spec import parse_source
from tests.footage import walkers, write_clip

# CI must say the same of the same code; `HYPOTHESIS_PROFILE=default` looks for new examples.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

_PATIENCE_S = 2.0
_PROCESS_WIDE = ("pydevd", "asyncio_")
"""Threads that a debugger or the interpreter keeps for the life of the process."""


def _threads() -> set[threading.Thread]:
    return {t for t in threading.enumerate() if not t.name.startswith(_PROCESS_WIDE)}


def _contexts() -> set[int]:
    return {id(c) for c in gc.get_objects() if type(c) is zmq.Context and not c.closed}


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep engines and journals of the tests, and of the processes that they start, out of the user's own folders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        patch.delenv("CACHE_DIRECTORY", raising=False)
        patch.delenv("STATE_DIRECTORY", raising=False)
        yield


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """Fail a test that leaves a thread running."""
    before = _threads()
    yield
    deadline = time.monotonic() + _PATIENCE_S
    while (left := _threads() - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left, f"threads left running: {sorted(t.name for t in left)}"


@pytest.fixture(autouse=True)
def no_context_left_open(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test of what has sockets that leaves a ZeroMQ context open."""
    # Walking all objects costs 30 ms, so only tests whose module uses ZeroMQ or runs the daemon pay for it.
    if "zmq" not in vars(request.module) and "daemon" not in request.module.__name__:
        yield
        return
    before = _contexts()
    yield
    left = _contexts() - before
    assert not left, f"{len(left)} ZeroMQ contexts left open"


@pytest.fixture(scope="session")
def normal_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty seconds of people walking."""
    return write_clip(tmp_path_factory.mktemp("footage") / "normal.mp4", walkers(30))


@pytest.fixture(scope="session")
def odd_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of the same place; from the third to the sixth something large rushes across."""
    return write_clip(tmp_path_factory.mktemp("footage") / "odd.mp4", walkers(10, intruder=(3, 6), seed=2))


@pytest.fixture(scope="session")
def profile(normal_clip: Path) -> Profile:
    """What enrolment makes of the normal clip at five frames a second; a lax budget, for so little footage."""
    network = shared_network()
    engine = OpenVinoEngine(network, threads=1)
    engine.open()
    enrolment = Enrolment(engine, network, EnrolmentSettings(false_alarms_per_day=1000))
    enrolment.stretch("normal.mp4", still=False)
    source = open_source(parse_source(str(normal_clip)), SourceSettings(fps=5), network.spec.input_size)
    while (sample := source.read()) is not None:
        enrolment.add([sample.time_s], np.asarray(sample.pixels)[None])
    source.close()
    made = enrolment.finish().profile
    engine.close()
    return made


@pytest.fixture(scope="session")
def profile_file(profile: Profile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in a file."""
    path = tmp_path_factory.mktemp("profile") / "place.vigil"
    profile.save(path)
    return path
