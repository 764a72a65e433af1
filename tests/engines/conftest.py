"""A real engine and a real profile that the tests of the engine room share."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import cv2
import numpy as np
import pytest

from engines.contract import Batch, Pixels, Scores
from engines.detector import Detector
from engines.enrolment import Enrolled, Enrolment, EnrolmentSettings
from engines.network.files import Network, shared_network
from engines.profile import Profile
from engines.runtime.openvino import OpenVinoEngine
from tests.footage import FPS, walkers

STEP = 2
RATE = FPS / STEP
"""Frames a second that the tests analyse."""


def film(seconds: float, *, intruder: tuple[float, float] | None = None, seed: int = 1) -> tuple[list[float], Pixels]:
    """Times and pixels, at the network's size and RATE, of the small place with people walking through it."""
    frames = list(islice(walkers(seconds, intruder=intruder, seed=seed), 0, None, STEP))
    pixels = np.stack([cv2.resize(frame, (256, 256), interpolation=cv2.INTER_AREA) for frame in frames])
    return [index / RATE for index in range(len(frames))], np.asarray(pixels, np.uint8)


def score(detector: Detector, times: list[float], pixels: Pixels, camera: str = "gate") -> Scores:
    """Score frames of one camera as one batch."""
    return detector.score(Batch((camera,) * len(times), tuple(times), pixels))


@pytest.fixture(scope="session")
def network() -> Network:
    return shared_network()


@pytest.fixture(scope="session")
def engine(network: Network) -> Iterator[OpenVinoEngine]:
    engine = OpenVinoEngine(network, threads=1)
    engine.open()
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def enrolled(engine: OpenVinoEngine, network: Network) -> Enrolled:
    """Forty seconds of the place, a budget of 100 false alarms a day."""
    enrolment = Enrolment(engine, network, EnrolmentSettings(false_alarms_per_day=100))
    enrolment.stretch("normal", still=False, sha256="a5" * 32)
    enrolment.add(*film(40))
    return enrolment.finish()


@pytest.fixture(scope="session")
def place(enrolled: Enrolled) -> Profile:
    return enrolled.profile
