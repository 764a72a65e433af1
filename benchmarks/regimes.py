"""Lamps, clouds and switches to infrared on generated views, an anomaly inside every second one.

    python -m benchmarks.regimes [--trials 20] [--kinds lamp cloud infrared] [--minutes 3] [--seed 300]

Each view is enrolled by day, and again by day and in infrared; frames go straight from the scene to the detector at the
rate and size of the daemon. The bar: no false alarm, nine anomalies of ten found. Beside it stands how many of the very
same anomalies are found when the light does not change, since no light can make more of them findable.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np

from benchmarks.regime_trials import VIEWS, Trial, normal, trials
from engines.contract import Batch, Engine, Pixels
from engines.detector import Detector
from engines.enrolment import Enrolment, EnrolmentSettings
from engines.network.files import Network, shared_network
from engines.profile import Profile
from engines.runtime.openvino import OpenVinoEngine
from pipelines.simulation.scene import EFFECT_KINDS

_BEFORE_S, _AFTER_S = 1.0, 3.0
"""An alarm so long before an anomaly is seen, or after, may be of it."""
_NIGHT_SHARE = 0.67
HOURLY = EnrolmentSettings(false_alarms_per_day=24)


@dataclass
class Tally:
    """What became of the trials of one kind."""

    alarms: list[str] = field(default_factory=list)
    """Trials with a false alarm."""
    missed: list[str] = field(default_factory=list)
    anomalies: int = 0
    found: int = 0
    found_steady: int = 0
    suppressed: int = 0

    def row(self, name: str, count: int) -> str:
        """A line of the table."""
        share = f"{self.found}/{self.anomalies}"
        return (
            f"| {name} | {count} | {len(self.alarms)} | {share} | {self.found_steady}/{self.anomalies} "
            f"| {self.suppressed} | {', '.join(self.alarms) or '-'} | {', '.join(self.missed) or '-'} |"
        )


HEADER = (
    "| change | trials | false alarms | found | in steady light | frames suppressed | alarms in | missed |\n"
    "|---|---|---|---|---|---|---|---|"
)


def main() -> None:
    """Enrol, judge, print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=20, help="of each kind of change")
    parser.add_argument("--kinds", nargs="+", choices=EFFECT_KINDS, default=EFFECT_KINDS)
    parser.add_argument("--minutes", type=float, default=3.0, help="of normal footage by day")
    parser.add_argument("--seed", type=int, default=300, help="of the first trial; another gives other scenes")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    network = shared_network()
    engine = OpenVinoEngine(network, threads=1)
    engine.open()
    by_day = {view: enrol(engine, network, view, options.minutes, night=False) for view in VIEWS}
    steady: dict[int, bool] = {}
    print(f"enrolled by day\n{HEADER}", flush=True)
    for kind in options.kinds:
        tally = judge(engine, by_day, trials(kind, options.trials, options.seed), steady)
        print(tally.row(kind, options.trials), flush=True)
    if "infrared" in options.kinds:
        both = {view: enrol(engine, network, view, options.minutes, night=True) for view in VIEWS}
        tally = judge(engine, both, trials("infrared", options.trials, options.seed), steady)
        print(f"enrolled by day and in infrared\n{HEADER}\n{tally.row('infrared', options.trials)}")
    engine.close()


def enrol(engine: Engine, network: Network, view: int, minutes: float, *, night: bool) -> Profile:
    """Learn a view by day, and in infrared if asked for."""
    enrolment = Enrolment(engine, network, HOURLY)
    for infrared in (False, True) if night else (False,):
        enrolment.stretch("infrared" if infrared else "day", still=False)
        seconds = minutes * 60 * (_NIGHT_SHARE if infrared else 1)
        for time_s, pixels in normal(view, seconds, infrared=infrared):
            enrolment.add([time_s], pixels[None])
    return enrolment.finish().profile


def judge(engine: Engine, profiles: dict[int, Profile], cases: Iterable[Trial], steady: dict[int, bool]) -> Tally:
    """Judge trials; `steady` remembers by number which anomalies are found when the light does not change."""
    tally = Tally()
    for trial in cases:
        shown, flagged, suppressed = watch(engine, profiles[trial.view], trial.frames())
        tally.suppressed += suppressed
        false, found = verdict(shown, flagged)
        name = f"{trial.number} (view {trial.view}{f', {trial.anomaly}' if trial.anomaly else ''})"
        if false:
            tally.alarms.append(name)
        if trial.anomaly is None:
            continue
        tally.anomalies += 1
        tally.found += found
        if not found:
            tally.missed.append(name)
        if trial.number not in steady:
            steady[trial.number] = verdict(*watch(engine, profiles[trial.view], trial.frames(steady=True))[:2])[1]
        tally.found_steady += steady[trial.number]
    return tally


def watch(
    engine: Engine, profile: Profile, frames: Iterator[tuple[float, Pixels, bool]]
) -> tuple[list[float], list[float], int]:
    """When an anomaly is seen, when a frame is flagged, and how many frames were suppressed."""
    detector, shown, flagged, suppressed = Detector(engine, {"camera": profile}), [], [], 0
    for time_s, pixels, there in frames:
        scores = detector.score(Batch(("camera",), (time_s,), pixels[None]))
        if there:
            shown.append(time_s)
        if scores.score[0] >= scores.threshold[0]:
            flagged.append(time_s)
        suppressed += scores.situations[0].suppressed
    return shown, flagged, suppressed


def verdict(shown: list[float], flagged: list[float]) -> tuple[bool, bool]:
    """Whether there was a false alarm, and whether the anomaly was found."""
    at = np.array(flagged)
    if not shown:
        return len(flagged) > 0, False
    around = (at >= shown[0] - _BEFORE_S) & (at <= shown[-1] + _AFTER_S)
    return bool((~around).any()), bool(((at >= shown[0]) & (at <= shown[-1] + 1)).any())


if __name__ == "__main__":
    main()
