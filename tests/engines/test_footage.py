"""The engine room on real footage, one clip of it: the whole protocol is `vigil evaluate`'s."""

from __future__ import annotations

import re
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from engines.contract import Pixels
from engines.detector import Detector
from engines.enrolment import Enrolment, EnrolmentSettings
from engines.network.files import Network
from engines.runtime.openvino import OpenVinoEngine
from tests.engines.conftest import score

PED1 = Path(__file__).parents[3] / "shared" / "data" / "ucsd_ped1"


def clip(name: str, first: int = 0, last: int = 200) -> Pixels:
    with av.open(str(PED1 / name)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return np.stack([cv2.resize(one, (256, 256), interpolation=cv2.INTER_AREA) for one in frames[first:last]])


@pytest.mark.footage
def test_finds_cyclists_among_pedestrians(engine: OpenVinoEngine, network: Network) -> None:
    if not PED1.is_dir():
        pytest.skip("the footage of UCSD Ped1 is not on this machine")
    enrolment = Enrolment(engine, network, EnrolmentSettings())
    for line in (PED1 / "normal.txt").read_text().split():
        name, first, last = re.match(r"(.*)#t=(.*),(.*)", line).groups()  # type: ignore[union-attr]  # it matches
        pixels = clip(name, round(float(first) * 10), round(float(last) * 10))
        enrolment.stretch(line, still=False)
        enrolment.add([index / 10 for index in range(len(pixels))], pixels)
    detector = Detector(engine, {"gate": enrolment.finish().profile})
    scores = score(detector, [index / 10 for index in range(200)], clip("video3.avi")).score
    # Frames 91 to 200, from 1 on, show a cyclist. All of the normal footage, two minutes, is needed: which third of it
    # is learnt moves this from 0.50 to 0.90.
    assert np.mean(scores[95:, None] > scores[None, 10:85]) > 0.8
