"""Does the share of good pictures that a profile of stills promises to flag hold, and what does each share find?

    python -m benchmarks.stills ../shared/data/magnetic_tile/Free --defects ../shared/data/magnetic_tile/Blowhole

Of a folder of good pictures, or the frames of a video every so many seconds, some are drawn and learnt, the others
judged; and so again, by other draws. Nothing of the pictures is kept.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

# Before numpy and OpenCV are loaded: one core is one thread.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np

from daemon.commands.footage import samples, source_of
from engines.budget import Budget
from engines.calibration import Doubles
from engines.contract import Batch, Pixels
from engines.detector import Detector
from engines.enrolment import Enrolment, EnrolmentSettings
from engines.evaluation.pooled import kept
from engines.evaluation.record import Promise
from engines.network.files import Network, shared_network
from engines.runtime.openvino import OpenVinoEngine
from pipelines.sources.source import Sample
from pipelines.sources.spec import parse_source

CAMERA = "stills"


@dataclass(frozen=True)
class Split:
    """One draw: the budget of the profile and others, and how the pictures that it has not seen score."""

    budgets: Sequence[Budget]
    good: Doubles
    defects: Doubles


class Bench:
    """An engine and the pictures."""

    def __init__(self, engine: OpenVinoEngine, network: Network, good: Pixels, defects: Pixels) -> None:
        self._engine, self._network = engine, network
        self.good, self.defects = good, defects

    def split(self, seed: int, learnt: int) -> Split:
        """Learn some of the good pictures and judge all else."""
        drawn = np.random.default_rng(seed).permutation(len(self.good))
        enrolment = Enrolment(self._engine, self._network, EnrolmentSettings())
        enrolment.stretch("good", still=True)
        for number, picture in enumerate(np.sort(drawn[:learnt])):  # a folder is read in the order of names
            enrolment.add([float(number)], self.good[picture][None])
        made = enrolment.finish()
        detector = Detector(self._engine, {CAMERA: made.profile})
        scores = [self._judge(detector, pixels) for pixels in (self.good[drawn[learnt:]], self.defects)]
        return Split((made.budget, *made.choices), *scores)

    def _judge(self, detector: Detector, pixels: Pixels) -> Doubles:
        scored = [detector.score(Batch((CAMERA,), (0.0,), one[None])).score for one in pixels]
        return np.concatenate([np.empty(0), *scored])


def pictures(folders: Sequence[str], fps: float | None, size: tuple[int, int]) -> Pixels:
    """All pictures of some folders, or some frames of videos, uint8 [n, H, W, 3]."""
    found = [sample.pixels for folder in folders for sample in _read(folder, fps, size)]
    return np.stack(found) if found else np.empty((0, *size, 3), np.uint8)


def _read(folder: str, fps: float | None, size: tuple[int, int]) -> Iterator[Sample]:
    named = f"{folder}/*.jpg" if Path(folder).is_dir() else folder
    return samples(source_of(parse_source(named), fps, size))


def tell(splits: Sequence[Split]) -> None:
    """A line for each budget: the profile's own first."""
    print("asked for  of good ones flagged  most in a draw  promise kept  defects found (least to most in a draw)")
    for number, budget in enumerate(splits[0].budgets):
        print(f"{budget.wanted:9.2%}  {_row(splits, number)}")


def _row(splits: Sequence[Split], number: int) -> str:
    flagged, found, held = [], [], 0
    for split in splits:
        budget = split.budgets[number]
        flagged.append(int((split.good >= budget.threshold).sum()))
        found.append(int((split.defects >= budget.threshold).sum()))
        held += kept(Promise(budget.wanted, *budget.interval), flagged[-1], len(split.good))
    judged, others = sum(len(split.good) for split in splits), len(splits[0].defects)
    good = f"{sum(flagged):4} of {judged} ({sum(flagged) / judged:.2%})"
    defects = f"{np.mean(found):.0f} of {others} ({min(found)} to {max(found)})" if others else ""
    return f"{good:20}  {max(flagged):14}  {held:5} of {len(splits):4}  {defects}"


def main() -> None:
    """Draw, learn, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("good", nargs="+", help="folders of good pictures (*.jpg), or videos with --fps")
    parser.add_argument("--defects", nargs="*", default=[], help="folders of others")
    parser.add_argument("--learn", type=int, default=80, help="how many of the good pictures are learnt")
    parser.add_argument("--splits", type=int, default=10, help="how many draws")
    parser.add_argument("--fps", type=float, help="frames of videos that are taken, a second")
    given = parser.parse_args()
    network = shared_network()
    engine = OpenVinoEngine(network, threads=1)
    with closing(engine):
        engine.open()
        size = engine.spec.input_size
        bench = Bench(engine, network, pictures(given.good, given.fps, size), pictures(given.defects, None, size))
        print(f"{len(bench.good)} good pictures, {given.learn} of them learnt; {len(bench.defects)} others", flush=True)
        tell([bench.split(seed, given.learn) for seed in range(given.splits)])


if __name__ == "__main__":
    main()
