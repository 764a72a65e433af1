"""Frame AUROC on the Ped1 split, through the command line that a user has.

    python -m benchmarks.ped1 --data ../shared/data/ucsd_ped1

Learns on the normal stretches of clips 18-36 and tests on every frame of clips 1-17: the training half of UCSD Ped1
is not used, so the figures are not those of the published protocol (V. Mahadevan et al., CVPR 2010).
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]  # it ships no stubs

TEST_CLIPS = range(1, 18)
COLUMNS = ("score", "appearance-latent", "appearance-reconstruction", "motion")


@dataclass
class Columns:
    """Scores of all test clips, column by column, clip by clip."""

    truth: list[NDArray[np.bool_]] = field(default_factory=list)
    values: dict[str, list[NDArray[np.float64]]] = field(default_factory=lambda: {c: [] for c in COLUMNS})

    def micro(self, column: str) -> float:
        """AUROC over the frames of all clips pooled."""
        return float(roc_auc_score(np.concatenate(self.truth), np.concatenate(self.values[column])))

    def macro(self, column: str) -> float:
        """Mean of the AUROC of each clip that has both kinds of frame."""
        pairs = zip(self.truth, self.values[column], strict=True)
        return float(np.mean([roc_auc_score(t, v) for t, v in pairs if 0 < t.sum() < t.size]))


def abnormal_ranges(path: Path) -> list[list[tuple[int, int]]]:
    """Frame ranges of each clip, 1-based and inclusive, from UCSDped1.m."""
    lines = [line for line in path.read_text().splitlines() if "gt_frame" in line]
    return [[(int(a), int(b)) for a, b in re.findall(r"(\d+):(\d+)", line)] for line in lines]


def vigil(*arguments: str | Path) -> None:
    """Run the command line in this environment."""
    subprocess.run([sys.executable, "-m", "daemon", *map(str, arguments)], check=True)


def measure(data: Path, work: Path, profile: Path | None) -> Columns:
    """Enrol unless a profile is given, score the test clips, and collect the columns beside the truth."""
    if profile is None:
        profile = work / "ped1.vigil"
        vigil("enrol", "--sources-file", data / "normal.txt", "--out", profile)
    ranges = abnormal_ranges(data / "UCSDped1.m")
    columns = Columns()
    for clip in TEST_CLIPS:
        out = work / f"scores{clip}.csv"
        vigil("score", data / f"video{clip}.avi", "--profile", profile, "--out", out)
        with out.open(newline="") as file:
            rows = list(csv.DictReader(file))
        truth = np.zeros(len(rows), bool)
        for first, last in ranges[clip - 1]:
            truth[first - 1 : last] = True
        columns.truth.append(truth)
        for column in COLUMNS:
            columns.values[column].append(np.array([float(row[column] or 0) for row in rows]))
    return columns


def main() -> None:
    """Print one line a column: pooled (micro) and mean (macro) frame AUROC."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of UCSD Ped1's test clips")
    parser.add_argument("--profile", type=Path, help="score with this profile instead of enrolling")
    parser.add_argument("--json", type=Path, help="keep the figures in this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        columns = measure(options.data, Path(work), options.profile)
    figures = {column: {"micro": columns.micro(column), "macro": columns.macro(column)} for column in COLUMNS}
    print(f"{'frame AUROC, Ped1 split':28} {'micro':>7} {'macro':>7}")
    for column, figure in figures.items():
        print(f"{column:28} {figure['micro']:7.3f} {figure['macro']:7.3f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
