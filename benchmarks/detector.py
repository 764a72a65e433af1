"""Processor time of everything that is done to a frame, from pixels to scores, against the network alone, on one core.

    python -m benchmarks.detector

A generated view is learnt from 40 seconds; other frames of it are then scored one at a time and in batches.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator

# Before numpy and OpenCV are loaded: one core is one thread.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import cv2
import numpy as np

from engines.contract import Batch, Pixels
from engines.detector import Detector
from engines.enrolment import Enrolment, EnrolmentSettings
from engines.network.files import shared_network
from engines.runtime.openvino import OpenVinoEngine
from pipelines.simulation.scene import Scene

FPS = 5
LEARNT_S = 40
SCORED = 160
CAMERA = "camera"


def frames(scene: Scene, first: int, count: int, size: tuple[int, int]) -> Iterator[Pixels]:
    """Frames of a scene at the analysed rate and the network's size."""
    for index in range(first, first + count):
        picture = scene.frame(round(index * scene.fps / FPS))
        yield np.asarray(cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def spent_ms(work: Callable[[int], object], batch: int) -> float:
    """Processor time of `work` a frame, the least of three goes, in milliseconds."""
    goes = []
    for _ in range(3):
        began = time.process_time()
        for first in range(0, SCORED, batch):
            work(first)
        goes.append((time.process_time() - began) / SCORED * 1e3)
    return min(goes)


def main() -> None:
    """Learn, score, print."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    cv2.setNumThreads(1)
    network = shared_network()
    engine = OpenVinoEngine(network, threads=1)
    engine.open()
    size, scene = engine.spec.input_size, Scene(0, seed=1)
    enrolment = Enrolment(engine, network, EnrolmentSettings())
    enrolment.stretch("view 0", still=False)
    for index, pixels in enumerate(frames(scene, 0, LEARNT_S * FPS, size)):
        enrolment.add([index / FPS], pixels[None])
    detector = Detector(engine, {CAMERA: enrolment.finish().profile})
    shown = np.stack(list(frames(scene, LEARNT_S * FPS, SCORED, size)))
    print("batch  network ms  all ms  ratio")
    for batch in (1, 8):

        def network_alone(first: int, batch: int = batch) -> None:
            engine.decode(engine.encode(shown[first : first + batch]).latent)

        def everything(first: int, batch: int = batch) -> None:
            times = tuple((first + index) / FPS for index in range(batch))
            detector.score(Batch((CAMERA,) * batch, times, shown[first : first + batch]))

        alone, whole = spent_ms(network_alone, batch), spent_ms(everything, batch)
        print(f"{batch:5}  {alone:10.2f}  {whole:6.2f}  {whole / alone:5.2f}")
    engine.close()


if __name__ == "__main__":
    main()
