"""The figures of Vigil on footage with truth, one command a data set.

    python -m benchmarks.footage ped1|tiles|office|scene|heldout --data ../shared/data

It enrols as a user would, writes the data set's truth as a `vigil.truth/1` file in a temporary folder, and runs
`vigil evaluate`. Nothing of the footage is copied or kept.

ped1     learn on the normal stretches of clips 18-36, test on clips 1-17 (not the published protocol)
tiles    learn on the first 80 `Free` by name, test on the other 50 with `Blowhole` and `Break`
office   learn on frames 1-400, test on the rest
scene    eight generated views, each learnt on normal minutes and tested on others with planted anomalies
heldout  normal footage only: learn on two thirds of each source for one false alarm an hour, test on the last third,
         at the rate the daemon analyses at

Generated clips stay in the folder --work, if one is given, and are taken from there the next time.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipelines.simulation.encode import encode_scene
from pipelines.simulation.scene import Scene, plan_anomalies

TEST_CLIPS = range(1, 18)
OFFICE_FPS = 25
SCENE_FPS = 5
"""The rate at which the daemon analyses a camera."""
HOURLY = ("--false-alarms-per-day", "24")


@dataclass(frozen=True)
class Bench:
    """Where things lie, and what to pass on to `vigil evaluate`."""

    data: Path
    work: Path
    profile: Path | None
    options: Sequence[str]
    minutes: float
    views: int

    def enrol(self, name: str, *arguments: str | Path) -> Path:
        """Make a profile unless one was given."""
        if self.profile is not None:
            return self.profile
        out = self.work / f"{name}.vigil"
        vigil("enrol", *arguments, "--out", out)
        return out

    def evaluate(self, truths: Sequence[Path], profiles: Sequence[Path], *options: str) -> None:
        """Print the figures and write the report."""
        named = [text for profile in profiles for text in ("--profile", str(profile))]
        vigil("evaluate", *truths, *named, *options, *self.options)


def vigil(*arguments: str | Path) -> None:
    """Run the command line in this environment."""
    subprocess.run([sys.executable, "-m", "daemon", *map(str, arguments)], check=True)


def write_truth(path: Path, sources: Sequence[Mapping[str, Any]], name: str) -> Path:
    """Write a truth file."""
    path.write_text(json.dumps({"schema": "vigil.truth/1", "name": name, "sources": sources}))
    return path


def ped1(bench: Bench) -> None:
    """UCSD Ped1: whole frames only, there are no masks here."""
    folder = bench.data / "ucsd_ped1"
    lines = [line for line in (folder / "UCSDped1.m").read_text().splitlines() if "gt_frame" in line]
    ranges = [re.findall(r"(\d+):(\d+)", line) for line in lines]
    sources = [
        {
            "source": str(folder / f"video{clip}.avi"),
            "fps": 10,
            "abnormal": [{"first": int(a) - 1, "last": int(b) - 1, "kind": "intruder"} for a, b in ranges[clip - 1]],
        }
        for clip in TEST_CLIPS
    ]
    profile = bench.enrol("ped1", "--sources-file", folder / "normal.txt")
    bench.evaluate([write_truth(bench.work / "ped1.json", sources, "Ped1 split")], [profile])


def tiles(bench: Bench) -> None:
    """Magnetic tiles: stills. Links in a temporary folder make the split."""
    free = sorted((bench.data / "magnetic_tile" / "Free").glob("*.jpg"))
    link(bench.work / "learn", free[:80])
    test = bench.work / "magnetic tiles"
    link(test / "Free", free[80:])
    for kind in ("Blowhole", "Break"):
        link(test / kind, sorted((bench.data / "magnetic_tile" / kind).iterdir()))
    profile = bench.enrol("tiles", bench.work / "learn")
    bench.evaluate([test], [profile])


def link(folder: Path, files: Sequence[Path]) -> None:
    """A folder of links to files."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        (folder / file.name).symlink_to(file.resolve())


def office(bench: Bench) -> None:
    """CDnet office: masks every fifth frame; frames in between have a truth, but no place."""
    folder = bench.data / "cdnet_office"
    moving = {
        int(p.stem[2:]): bool((np.asarray(cv2.imread(str(p), 0)) == 255).any())
        for p in (folder / "masks").glob("gt*.png")
    }
    shown = sorted(number for number, there in moving.items() if there)
    # A frame without a mask takes after the nearer of its neighbours, but the person is there from frame 582 on. Masks
    # count from 1 and frames from 0.
    first, last = min(shown[0] - 2, 582) - 1, shown[-1] + 2 - 1
    source = {
        "source": f"{folder / 'office.mp4'}#t={400 / OFFICE_FPS:g}",
        "fps": OFFICE_FPS,
        "abnormal": [{"first": first, "last": last, "kind": "person", "id": "person"}],
        "masks": {
            "folder": str((folder / "masks").resolve()),
            "name": "gt{frame:06d}.png",
            "first": 1,
            "abnormal_from": 255,
            "ignored": [85, 170],
        },
    }
    profile = bench.enrol("office", f"{folder / 'office.mp4'}#t=0,{400 / OFFICE_FPS:g}")
    bench.evaluate([write_truth(bench.work / "office.json", [source], "office")], [profile])


def scene(bench: Bench) -> None:
    """Eight generated views, each learnt on normal minutes and tested on others with planted anomalies."""
    truths, profiles = [], []
    for view in range(bench.views):
        normal, test = bench.work / f"normal{view}.mp4", bench.work / f"view{view}.mp4"
        planted = plan_anomalies(view, bench.minutes * 60, seed=2)
        render(Scene(view, seed=1), normal, bench.minutes)
        render(Scene(view, seed=2, anomalies=planted), test, bench.minutes)
        profiles.append(bench.enrol(f"profile{view}", normal, *HOURLY, "--fps", str(SCENE_FPS)))
        truths.append(test)
    bench.evaluate(truths, profiles, "--fps", str(SCENE_FPS))


def render(scene: Scene, path: Path, minutes: float) -> None:
    """Write a generated clip unless it is there."""
    if not path.exists():
        encode_scene(scene, path, minutes * 60)


def heldout(bench: Bench) -> None:
    """Normal footage only: is the false-alarm rate what was asked for? The last third of each source is held out."""
    sources = {"office": [(bench.data / "cdnet_office" / "office.mp4", 0.0, 580 / OFFICE_FPS, OFFICE_FPS)]}
    lines = (bench.data / "ucsd_ped1" / "normal.txt").read_text().split()
    found = [re.fullmatch(r"(.+)#t=([\d.]+),([\d.]+)", line) for line in lines]
    sources["Ped1"] = [(bench.data / "ucsd_ped1" / m[1], float(m[2]), float(m[3]), 10) for m in found if m]
    for view in range(bench.views):
        path = bench.work / f"normal{view}.mp4"
        render(Scene(view, seed=1), path, bench.minutes)
        sources[f"view{view}"] = [(path, 0.0, bench.minutes * 60, 15)]
    truths, profiles = [], []
    for name, stretches in sources.items():
        listed = bench.work / f"{name}.txt"
        cuts = [(path, start, start + (end - start) * 2 / 3, end, fps) for path, start, end, fps in stretches]
        listed.write_text("".join(f"{path}#t={start:g},{cut:.3f}\n" for path, start, cut, _, _ in cuts))
        entries = [{"source": f"{path}#t={cut:.3f},{end:g}", "fps": fps} for path, _, cut, end, fps in cuts]
        truths.append(write_truth(bench.work / f"{name}.json", entries, name))
        profiles.append(bench.enrol(name, "--sources-file", listed, *HOURLY, "--fps", str(SCENE_FPS)))
    bench.evaluate(truths, profiles, "--fps", str(SCENE_FPS))


def main() -> None:
    """Run one data set."""
    commands: dict[str, Callable[[Bench], None]] = {
        "ped1": ped1,
        "tiles": tiles,
        "office": office,
        "scene": scene,
        "heldout": heldout,
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=commands)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--profile", type=Path, help="judge this profile instead of enrolling")
    parser.add_argument("--minutes", type=float, default=10, help="length of each generated clip")
    parser.add_argument("--views", type=int, default=8, help="how many generated views")
    parser.add_argument("--work", type=Path, help="a folder that keeps profiles, truths and generated clips")
    parser.add_argument("--out", type=Path, default=Path("report.html"), help="the report")
    options, rest = parser.parse_known_args()  # the rest is for `vigil evaluate`: --figures, --study, --json
    with tempfile.TemporaryDirectory() as passing:
        bench = Bench(
            data=options.data.resolve(),
            work=(options.work or Path(passing)).resolve(),
            profile=options.profile,
            options=["--out", str(options.out), *rest],
            minutes=options.minutes,
            views=options.views,
        )
        commands[options.set](bench)


if __name__ == "__main__":
    main()
