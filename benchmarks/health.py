"""Every kind of fault of a camera, twenty times: is it named rightly within 3 s, and does it raise no alarm?

    python -m benchmarks.health --data ../shared/data --work DIR

Picture: faults put on decoded frames, each another of its kind, through capture, detector and events, on a clock of
their own. Stream: a stand-in camera with that fault, over RTSP, before a real daemon and a real subscriber. Both on the
generated scene and, with --data, on UCSD Ped1. Then the detectors over ordinary footage: no fault is to be found there.
Clips and profiles are kept in --work, and used again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry

from benchmarks.health_picture import FPS, Reel, Trial, enrolled, load, quiet_starts, trials
from benchmarks.health_stream import DEEDS, ward
from engines.contract import Engine
from engines.profile import Profile
from engines.runtime.openvino import OpenVinoEngine
from pipelines.health.monitor import Monitor
from pipelines.metrics import Metrics
from pipelines.simulation.encode import encode_scene
from pipelines.simulation.scene import Scene
from pipelines.types import HealthEvent

SCENE_S = 300.0
LEARNT_S = 150.0
SHOWN_S = 25.0
"""Length of the clip that the stand-in cameras show."""
PED1_SHOWN = 30
"""The Ped1 clip with the longest ordinary stretch."""


def scene(work: Path, view: int) -> tuple[list[str], str, Path]:
    """What to enrol on, what to watch, and the clip to serve, of a generated view."""
    film = work / f"scene{view}.mp4"
    if not film.exists():
        encode_scene(Scene(view, seed=1), film, SCENE_S)
    served = work / f"served{view}.mp4"
    cut(film, served, LEARNT_S)
    return ["--fps", f"{FPS:g}", f"{film}#t=0,{LEARNT_S:g}"], f"{film}#t={LEARNT_S:g},{SCENE_S:g}", served


def ped1(work: Path, data: Path) -> tuple[list[str], str, Path]:
    """The same of UCSD Ped1."""
    folder, served = data / "ucsd_ped1", work / "served-ped1.mp4"
    cut(folder / f"video{PED1_SHOWN}.avi", served, 0.0)
    watched = work / "ped1"
    watched.mkdir(exist_ok=True)
    for number in range(18, 37):
        link = watched / f"video{number}.avi"
        if not link.exists():
            link.symlink_to(folder / link.name)
    return ["--fps", f"{FPS:g}", "--sources-file", str(folder / "normal.txt")], str(watched), served


def cut(film: Path, to: Path, from_s: float) -> None:
    """A short clip as a camera codes it, with a key frame each second."""
    if to.exists():
        return
    command = ["ffmpeg", "-v", "error", "-ss", f"{from_s:g}", "-i", str(film), "-t", f"{SHOWN_S:g}"]
    coding = ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency"]
    keys = ["-bf", "0", "-crf", "20", "-force_key_frames", "expr:gte(t,n_forced)", "-pix_fmt", "yuv420p", str(to)]
    subprocess.run([*command, *coding, *keys], check=True)


def table(title: str, done: Sequence[Trial]) -> list[str]:
    """One line a kind."""
    lines = [f"\n{title}", f"{'kind':12} {'right':>8} {'median':>8} {'slowest':>8} {'alarms':>7}  other kinds told"]
    for kind in dict.fromkeys(trial.kind for trial in done):
        these = [trial for trial in done if trial.kind == kind]
        times = [trial.named_after_s for trial in these if trial.named_after_s is not None]
        others = [other for trial in these for other in trial.others]
        told = ", ".join(f"{other} {others.count(other)}" for other in dict.fromkeys(others)) or "-"
        median, slowest = (f"{f(times):.1f} s" if times else "-" for f in (statistics.median, max))
        right, alarms = sum(trial.right for trial in these), sum(trial.alarms for trial in these)
        lines.append(f"{kind:12} {right:4} / {len(these):<3}{median:>8} {slowest:>8} {alarms:7}  {told}")
    return lines


def picture(name: str, source: str, profile: Profile, engine: Engine, repetitions: int) -> list[Trial]:
    """Faults put on decoded frames."""
    frames = load(source)
    starts = quiet_starts(frames, profile, engine, repetitions)
    print(f"{name}: {len(frames)} frames, {len(starts)} places without an event of their own", flush=True)
    done = trials(frames, profile, engine, starts, repetitions)
    print("\n".join(table(f"picture, {name}", done)), flush=True)
    return done


def stream(name: str, work: Path, served: Path, profile: Path, repetitions: int, kinds: Sequence[str]) -> list[Trial]:
    """Faults of a stand-in camera before a real daemon."""
    cameras, done = min(4, repetitions), []
    with ward(work, served, profile, cameras) as watched:
        for kind in DEEDS:
            if kinds and kind not in kinds:
                continue
            for _ in range(-(-repetitions // cameras)):
                done += watched.round(kind)
            print(table("", done)[-1], flush=True)
    print("\n".join(table(f"stream, {name}", done)), flush=True)
    return done


def ordinary(sources: Sequence[str]) -> list[str]:
    """Kinds that are found in ordinary footage, by source; what the view looks like is learnt in its first minute."""
    found = []
    for source in sources:
        events: list[HealthEvent] = []
        monitor = Monitor("x", Metrics(CollectorRegistry()).camera("x"), events.append)
        reel = Reel(load(source))
        while (sample := reel.read()) is not None:
            monitor.see(sample)
        told = list(dict.fromkeys(event.kind for event in events))
        found += [f"{source}: {kind}" for kind in told]
        print(f"ordinary footage: {source}: {len(reel.frames) / FPS:.0f} s, {told or 'nothing'}", flush=True)
    return found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="footage with UCSD Ped1 among it")
    parser.add_argument("--work", type=Path, help="clips and profiles are kept here")
    parser.add_argument("--view", type=int, default=0, help="of the generated scene")
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--parts", nargs="*", choices=("picture", "stream", "ordinary"), default=("picture", "stream"))
    parser.add_argument("--kinds", nargs="*", default=(), help="of the stream; default all")
    parser.add_argument("--sets", nargs="*", choices=("scene", "ped1"), default=("scene", "ped1"))
    parser.add_argument("--json", type=Path, help="keep the figures in this file")
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="vigil-"))
    figures: dict[str, list[dict[str, object]]] = {}
    for name in options.sets:
        if name == "ped1" and options.data is None:
            continue
        learn, watch, served = scene(work, options.view) if name == "scene" else ped1(work, options.data)
        file = work / (f"scene{options.view}.vigil" if name == "scene" else "ped1.vigil")
        profile = enrolled(learn, file)
        if "picture" in options.parts:
            engine = OpenVinoEngine(profile.network, threads=1)
            engine.open()
            figures[f"picture, {name}"] = [vars(t) for t in picture(name, watch, profile, engine, options.repetitions)]
            engine.close()
        if "stream" in options.parts:
            done = stream(name, work, served, file, options.repetitions, options.kinds)
            figures[f"stream, {name}"] = [vars(trial) for trial in done]
        if "ordinary" in options.parts:
            ordinary([watch])
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
