"""What each precision of the network costs and says: size, time, agreement of scores, AUROC. One row a precision.

    python -m benchmarks.precision --data ../shared/data [--scene VIEW.mp4 --normal NORMAL.mp4] [--frames N] [--clips N]

A profile is enrolled in float32, once for the network and once for the pruned one, and judged by an engine of each
precision. Sizes are those of the ONNX files, times are processor time on one thread (other programs disturb it little),
ranks are Spearman's correlation of the frames' scores with those of float32. Needs the extras learn and quantise.

The split of Ped1 is not the published protocol: see `benchmarks.footage`. `--scene` is a generated clip with its truth
beside it, `--normal` ordinary footage of the same view: `benchmarks.footage scene` makes both.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr  # type: ignore[import-untyped]  # it ships no stubs
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]  # likewise

from engines.contract import Batch, Pixels
from engines.detector import Detector
from engines.enrolment import Enrolment, EnrolmentSettings
from engines.learning.procedural import procedural
from engines.learning.pruning import prune_decoder, recover
from engines.learning.quantisation import quantise
from engines.network.files import Network, shared_network
from engines.profile import Profile
from engines.runtime.openvino import OpenVinoEngine, Precision, processor
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.sources.spec import parse_source

KEEP = 2 / 3
"""Share of the decoder's channels that pruning keeps."""
_PICTURES, _STEPS = 160, 300
_RUNS = 60
_TEST_CLIPS = range(1, 18)
_SCENE_FPS = 5.0


@dataclass(frozen=True)
class Clip:
    """Frames to judge."""

    source: str
    fps: float | None
    abnormal: tuple[tuple[float, float], ...]
    """Stretches in seconds, ends included."""


@dataclass(frozen=True)
class Footage:
    """Normal footage to enrol on, and clips with truth."""

    name: str
    normal: tuple[str, ...]
    fps: float | None
    clips: tuple[Clip, ...]


@dataclass(frozen=True)
class Row:
    """A precision."""

    name: str
    network: Network
    precision: Precision


def frames(source: str, fps: float | None) -> Iterator[tuple[float, Pixels]]:
    """Times and pixels of a source's frames."""
    with closing(open_source(parse_source(source), SourceSettings(fps=fps), (256, 256))) as opened:
        while (sample := opened.read()) is not None:
            yield sample.time_s, sample.pixels


def ped1(data: Path, clips: int) -> Footage:
    """The split of Ped1: every so many of clips 1-17, so that `clips` remain."""
    folder = data / "ucsd_ped1"
    lines = [line for line in (folder / "UCSDped1.m").read_text().splitlines() if "gt_frame" in line]
    spans = [[(int(a) - 1, int(b) - 1) for a, b in re.findall(r"(\d+):(\d+)", line)] for line in lines]
    chosen = _TEST_CLIPS[:: max(1, len(_TEST_CLIPS) // clips)]
    tests = [
        Clip(f"{folder}/video{number}.avi", None, tuple((a / 10 - 0.01, b / 10 + 0.01) for a, b in spans[number - 1]))
        for number in chosen
    ]
    normal = [f"{folder}/{line}" for line in (folder / "normal.txt").read_text().split()]
    return Footage("Ped1", tuple(normal), None, tuple(tests))


def scene(normal: Path, test: Path) -> Footage:
    """A generated view."""
    planted = json.loads(test.with_name(f"{test.name}.truth.json").read_text())["planted"]
    spans = tuple((each["first_s"], each["last_s"]) for each in planted)
    return Footage(test.stem, (str(normal),), _SCENE_FPS, (Clip(str(test), _SCENE_FPS, spans),))


def enrol(network: Network, footage: Footage, most: int) -> Profile:
    """What enrolment in float32 makes of the footage."""
    with closing(opened(network, "f32")) as engine:
        enrolment = Enrolment(engine, network, EnrolmentSettings(most_frames=most))
        for source in footage.normal:
            enrolment.stretch(source, still=False)
            for time_s, pixels in frames(source, footage.fps):
                enrolment.add([time_s], pixels[None])
        return enrolment.finish().profile


def judge(profile: Profile, row: Row, footage: Footage) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The scores of all frames, and which are abnormal."""
    scores, truth = [], []
    with closing(opened(row.network, row.precision)) as engine:
        detector = Detector(engine, {"camera": profile})
        for clip in footage.clips:
            detector.forget("camera")
            for time_s, pixels in frames(clip.source, clip.fps):
                scores.append(float(detector.score(Batch(("camera",), (time_s,), pixels[None])).score[0]))
                truth.append(any(first <= time_s <= last for first, last in clip.abnormal))
    return np.array(scores, np.float32), np.array(truth)


def opened(network: Network, precision: Precision) -> OpenVinoEngine:
    """An engine on one thread."""
    engine = OpenVinoEngine(network, precision=precision, threads=1)
    engine.open()
    return engine


def milliseconds(row: Row, pixels: Pixels) -> float:
    """Median processor time of encoding and decoding a frame."""
    times = []
    with closing(opened(row.network, row.precision)) as engine:
        for run in range(_RUNS):
            one = pixels[run % len(pixels)][None]
            began = time.process_time()
            engine.decode(engine.encode(one).latent)
            times.append(time.process_time() - began)
    return statistics.median(times) * 1e3


def size(row: Row) -> float:
    """MB of the files that are compiled."""
    return sum(map(len, row.network.files(row.precision))) / 1e6


def rows(footage: Footage) -> list[Row]:
    """Every precision, int8 calibrated and pruning recovered on the footage's own normal frames."""
    network = shared_network()
    step = [pixels for source in footage.normal for _, pixels in frames(source, 0.5)]
    normal = np.stack(step[:64])
    made = [procedural(np.random.default_rng((9, index)), 256) for index in range(_PICTURES - len(normal))]
    pruned = recover(prune_decoder(network, KEEP), network, np.concatenate([normal, np.stack(made)]), steps=_STEPS)
    whole, small = quantise(network, normal), quantise(pruned, normal)
    native: Precision = processor().precisions[0]
    return [
        Row("f32", whole, "f32"),
        Row(native, whole, native),
        Row("int8", whole, "int8"),
        Row(f"pruned, {native}", small, native),
        Row("pruned, int8", small, "int8"),
    ]


def table(footage: Footage, most: int) -> None:
    """Print the rows."""
    print(f"{footage.name}: {processor().name}, 1 thread, {most} frames enrolled", flush=True)
    print(f"{'precision':<14}{'MB':>7}{'ms/frame':>10}{'rank':>9}{'AUROC':>9}", flush=True)
    profiles: dict[str, Profile] = {}
    reference: NDArray[np.float32] | None = None
    sample = np.stack([pixels for _, pixels in frames(footage.normal[0], None)][:8])
    for row in rows(footage):
        key = row.network.id
        if key not in profiles:
            profiles[key] = enrol(row.network, footage, most)
        scores, truth = judge(profiles[key], row, footage)
        reference = scores if reference is None else reference
        rank, auroc = float(spearmanr(reference, scores).statistic), float(roc_auc_score(truth, scores))
        cost = f"{size(row):>7.2f}{milliseconds(row, sample):>10.2f}"
        print(f"{row.name:<14}{cost}{rank:>9.4f}{auroc:>9.4f}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table a data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder of the data sets")
    parser.add_argument("--scene", type=Path, help="a generated clip with its truth beside it")
    parser.add_argument("--normal", type=Path, help="ordinary footage of the same view")
    parser.add_argument("--frames", type=int, default=1600, help="most frames to enrol on")
    parser.add_argument("--clips", type=int, default=17, help="how many clips of Ped1 to judge")
    options = parser.parse_args(arguments)
    sets = [ped1(options.data.resolve(), options.clips)] if options.data else []
    sets += [scene(options.normal, options.scene)] if options.scene and options.normal else []
    for footage in sets:
        table(footage, options.frames)


if __name__ == "__main__":
    main()
