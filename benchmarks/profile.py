"""Where the processor time of a running daemon goes.

    python -m benchmarks.profile [--cameras 8] [--seconds 60] [--gate] [--work FOLDER] [--json profile.json]

Runs the daemon on stand-in cameras (640x360 at 15 frames/s, analysed at 5), samples its Python stacks and those of its
helper processes with py-spy, and takes each thread's processor time from the kernel: a thread's time is split as its
samples are, and the threads of native libraries, which have no Python stack, count as their library. With several
streams the engine has such threads, and the judging threads, which wait for them, pass for working on the network:
shares are true with one judge only, as the daemon here has.
The gate is off unless asked for, so that every frame is computed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from daemon.bench.footage import Footage
from daemon.bench.rig import Plan, watching
from daemon.bench.watch import seats
from pipelines.tree import tree

RATE = 100
"""Samples a second."""
SETTLE_S = 15.0
WHERE: tuple[tuple[str, str], ...] = (
    (r"__call__ \(pipelines/sources/convert\.py", "pictures of alerts"),
    (r"\(pipelines/(overlay|caption|regions)\.py", "pictures of alerts"),
    (r"convert \(pipelines/sources/convert\.py", "convert"),
    (r"\(pipelines/sources/(libav|clips|video)\.py", "decode"),
    (r"\(engines/runtime/", "network"),
    (r"\((pipelines/health/|engines/view\.py)", "health of the stream"),
    (r"\(engines/motion\.py", "flow"),
    (r"\(engines/(place|lasting)\.py", "place model"),
    (r"\(engines/", "scoring"),
    (r"\(pipelines/gate\.py", "gate"),
    (r"\(pipelines/(publish|outlet|inbox|desk|events|status|wire|headers)\.py", "publish"),
    (r"\(prometheus_client/", "metrics"),
    (r"\((daemon/probes|socketserver|wsgiref|http/)", "metrics page"),
    (r"\(pipelines/", "hand-over"),
)
"""From the innermost frame outwards, the first that fits says what a sample was spent on."""
WAITING = re.compile(
    r"(^|\.)((wait|acquire|select|poll|_worker|_wait_for_tstate_lock|_main_loop) \(|_receive \(.*libav\.py)"
)
"""Innermost frames of threads that wait, which py-spy cannot tell from work everywhere: `_receive` for the camera's
next packet (decoding it is a frame of its own), the others for a lock, a socket or a clock."""
THREAD = re.compile(r"(?:^|;)thread \((\d+)\)[^;]*")
"""Of a stack; the processes that it is of come before it."""
NATIVE: tuple[tuple[str, str], ...] = (("ZMQ", "publish"), ("", "network"))
"""Threads without Python: ZeroMQ names its own, the others are the engine's."""
BAR: frozenset[str] = frozenset({"decode", "network", "pictures of alerts"})


@dataclass(frozen=True)
class Threads:
    """Processor seconds by thread, at one moment."""

    used: Mapping[int, float]
    names: Mapping[int, str]

    @classmethod
    def of(cls, daemon: int) -> Threads:
        """Ask the kernel for those of a daemon and of its helper processes."""
        used, names = {}, {}
        ticks = os.sysconf("SC_CLK_TCK")
        for task in (each for pid in tree(daemon) for each in Path(f"/proc/{pid}/task").iterdir()):
            name, _, rest = (task / "stat").read_text().partition("(")[2].rpartition(")")
            fields = rest.split()
            used[int(task.name)] = (int(fields[11]) + int(fields[12])) / ticks
            names[int(task.name)] = name
        return cls(used, names)


def what(stack: Iterable[str]) -> str:
    """What a sample was spent on, from its frames, outermost first."""
    for frame in reversed(list(stack)):
        path = re.sub(r"\(.*?/(?=(pipelines|engines|daemon|prometheus_client|http)/)", "(", frame)
        for pattern, name in WHERE:
            if re.search(pattern, path):
                return name
    return "rest"


def samples(daemon: int, seconds: float, folder: Path) -> dict[int, Counter[str]]:
    """py-spy's samples of running threads, by thread and what they were spent on."""
    kept = folder / "stacks.txt"
    command = ["py-spy", "record", "--pid", str(daemon), "--duration", str(round(seconds)), "--rate", str(RATE)]
    command = [str(Path(sys.executable).with_name(command[0])), *command[1:]]
    options = ["--subprocesses", "--threads", "--full-filenames", "--nolineno", "--format", "raw"]
    subprocess.run([*command, *options, "--output", str(kept)], check=True, capture_output=True)
    found: dict[int, Counter[str]] = {}
    for line in kept.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        thread = THREAD.search(stack)
        frames = stack[thread.end() :].split(";")[1:] if thread else []
        if thread and frames and not WAITING.search(frames[-1]):
            found.setdefault(int(thread[1]), Counter())[what(frames)] += int(count)
    return found


def python_threads(daemon: int) -> set[int]:
    """The threads that run Python, by their kernel ids."""
    dump = [str(Path(sys.executable).with_name("py-spy")), "dump", "--json", "--pid"]
    found: set[int] = set()
    for pid in tree(daemon):
        said = subprocess.run([*dump, str(pid)], check=True, capture_output=True, text=True)
        found |= {one["os_thread_id"] for one in json.loads(said.stdout)}
    return found


def split(before: Threads, after: Threads, python: Set[int], seen: Mapping[int, Counter[str]]) -> Counter[str]:
    """Processor seconds by what they were spent on."""
    spent: Counter[str] = Counter()
    for thread, used in after.used.items():
        seconds = used - before.used.get(thread, 0.0)
        if thread not in python:
            spent[next(what for start, what in NATIVE if after.names[thread].startswith(start))] += seconds  # type: ignore[assignment]  # seconds
            continue
        mine = seen.get(thread) or Counter({"rest": 1})
        for name, count in mine.items():
            spent[name] += seconds * count / mine.total()  # type: ignore[assignment]  # seconds, not counts
    return spent


def daemon_of(config: Path) -> int:
    """The process id of the daemon that runs with this settings file."""
    for child in psutil.Process().children(recursive=True):
        if str(config) in child.cmdline():
            return child.pid
    raise SystemExit("the daemon is not running")


def profile(footage: Footage, cameras: int, seconds: float, *, gate: bool) -> dict[str, Any]:
    """Watch a daemon for so long."""
    extra = f"[engine]\njudges = 1\n[gate]\nenabled = {str(gate).lower()}"
    plan = Plan(seats=seats(footage, cameras, views=2), extra=extra)
    with watching(footage.folder, plan), tempfile.TemporaryDirectory() as folder:
        pid = daemon_of(footage.folder / "vigil.toml")
        time.sleep(SETTLE_S)
        python, before = python_threads(pid), Threads.of(pid)
        seen = samples(pid, seconds, Path(folder))
        spent = split(before, Threads.of(pid), python, seen)
    total = sum(spent.values())
    shares = {name: round(100 * value / total, 1) for name, value in spent.most_common()}
    return {
        "cameras": cameras,
        "gate": gate,
        "seconds": seconds,
        "processor seconds a second": round(total / seconds, 3),
        "share of the processor time, %": shares,
        "all but decode, network and pictures, %": round(100 - sum(shares.get(name, 0.0) for name in BAR), 1),
    }


def table(figures: Mapping[str, Any]) -> Iterator[str]:
    """The figures as a table in Markdown."""
    yield f"| {figures['cameras']} cameras, gate {'on' if figures['gate'] else 'off'} | share of the processor time |"
    yield "|---|---|"
    for name, share in figures["share of the processor time, %"].items():
        yield f"| {name} | {share:.1f} % |"
    yield f"| **all but decode, network and pictures** | {figures['all but decode, network and pictures, %']:.1f} % |"


def main() -> None:
    """Print a table and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--gate", action="store_true", help="leave the change gate on")
    parser.add_argument("--work", type=Path, help="clips and profiles are kept here, to be used again")
    parser.add_argument("--json", type=Path, help="keep the figures in this file")
    options = parser.parse_args()
    footage = Footage(
        options.work or Path(tempfile.mkdtemp(prefix="vigil-")), lambda text: print(text, file=sys.stderr)
    )
    footage.views((0, 1), ())
    figures = profile(footage, options.cameras, options.seconds, gate=options.gate)
    print("\n".join(table(figures)))
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
