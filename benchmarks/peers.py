"""Vigil's engine side by side with what people would use instead, in one run.

    python -m benchmarks.peers network --python PEERS/bin/python --out benchmarks/results/peers-network.json
    python -m benchmarks.peers anomalib --python PEERS/bin/python --out benchmarks/results/peers-anomalib.json

`network`: the same network in torch (eager) and in ONNX Runtime. `anomalib`: its EfficientAD (small), PaDiM, STFPM,
reverse distillation and PatchCore (all resnet18), each in the best of torch, ONNX Runtime and OpenVINO at batch 1 and
8, 256 x 256 pixels. `PEERS` is an environment of its own: see benchmarks/README.md. Every measurement is a process of
its own, all take turns with Vigil, all get the same threads.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from daemon.bench.figures import Bar, Bars, Found, cores, this_machine
from daemon.bench.running import finish, say

_CHILD = ("-P", str(Path(__file__).with_name("peer_child.py")))
"""Not with this folder on the path: its modules would hide those of the standard library."""
MODELS = ("PaDiM", "STFPM", "Reverse distillation", "PatchCore", "EfficientAD small")
BATCHES = (1, 8)
_EAGER = ("torch eager, own", "torch eager, own, channels last")
_PEERS = ("torch eager", "torch eager, channels last", "ONNX Runtime f32", "OpenVINO f32", "OpenVINO as it comes")


class Speed(NamedTuple):
    """Seconds a frame, by the wall clock and by the processor time of all threads."""

    wall_s: float
    cpu_s: float


class _Against(NamedTuple):
    """What Vigil is held against."""

    row: str
    name: str
    runtimes: Sequence[str]
    model: str
    least: float
    """How many times its frames/s are asked for."""


@dataclass(slots=True)
class Bench:
    """Times runtimes by turns."""

    python: str
    quick: bool
    threads: int
    seen: dict[tuple[str, str, int], list[Speed]] = field(default_factory=dict)

    def time(self, runtime: str, model: str, what: str, batch: int) -> None:
        """One measurement more. A peer that fails is told of and left out."""
        ours = runtime.startswith("vigil") or "own" in runtime
        seconds = "0.5" if self.quick else "3"
        command = [sys.executable if ours else self.python, *_CHILD]
        try:
            told = _child([*command, "time", runtime, what, str(batch), str(self.threads), seconds])
        except subprocess.CalledProcessError as error:
            say(f"{model} in {runtime} at batch {batch} failed: {error.stderr.strip().splitlines()[-1:]}")
            return
        self.seen.setdefault((runtime, model, batch), []).append(Speed(told["wall_s"], told["cpu_s"]))
        say(f"{model or 'Vigil'} in {runtime}, batch {batch}: {1e3 * told['wall_s']:.2f} ms a frame")

    def speed(self, runtime: str, model: str, batch: int) -> Speed:
        """The median of the measurements."""
        found = self.seen[runtime, model, batch]
        return Speed(*(statistics.median(each) for each in zip(*found, strict=True)))

    def best(self, runtimes: Sequence[str], model: str) -> tuple[str, Speed]:
        """The fastest of some runtimes and batches, and what it is called."""
        there = [(r, b) for r in runtimes for b in BATCHES if (r, model, b) in self.seen]
        runtime, batch = min(there, key=lambda one: self.speed(one[0], model, one[1]).wall_s)
        return f"{runtime}, batch {batch}", self.speed(runtime, model, batch)


def network(bench: Bench, found: Found, work: Path) -> None:
    """Row a."""
    _child([sys.executable, *_CHILD, "own", str(work)])
    files = f"{work / 'encoder.onnx'},{work / 'decoder.onnx'}"
    others = (*_EAGER, "ONNX Runtime f32")
    for _ in range(1 if bench.quick else 5):
        for runtime in ("vigil", "vigil f32", *others):
            for batch in BATCHES:
                bench.time(runtime, "", files, batch)
    _tell(bench, found, ("vigil", "vigil f32", *others), "")
    _judge(bench, found, _Against("a", "torch eager f32, the better layout", _EAGER, "", 4.0))
    _judge(bench, found, _Against("a", "ONNX Runtime f32", ("ONNX Runtime f32",), "", 1.8))
    _plot(bench, found, [("", runtime) for runtime in ("vigil", "vigil f32", *others)])


def anomalib(bench: Bench, found: Found, work: Path) -> None:
    """Row c."""
    for model in MODELS:
        path = work / f"{model.replace(' ', '-')}.onnx"
        if not path.exists():
            say(f"exporting {model}")
            _child([bench.python, *_CHILD, "export", model, str(path)])
        for _ in range(1 if bench.quick else 2):
            for batch in BATCHES:
                for runtime in ("vigil", "vigil f32"):
                    bench.time(runtime, "", "", batch)
                for runtime in _PEERS:
                    bench.time(runtime, model, model if runtime.startswith("torch") else str(path), batch)
    _tell(bench, found, ("vigil", "vigil f32"), "")
    for model in MODELS:
        _tell(bench, found, _PEERS, model)
        name, _ = bench.best(_PEERS, model)
        found.notes.append(f"{model} is fastest in {name}")
        least = 40.0 if model.startswith("Efficient") else 4.0
        _judge(bench, found, _Against("c", model, _PEERS, model, least))
        f32 = [runtime for runtime in _PEERS if runtime != "OpenVINO as it comes"]
        like = bench.best(f32, model)[1].wall_s / bench.best(["vigil f32"], "")[1].wall_s
        found.add(f"Vigil against {model}, both f32", like, "x", "more", ratio=True)
    found.notes.append("the weights of anomalib's models are random, since none are downloaded: speed is the same")
    _plot(bench, found, [("", "vigil"), ("", "vigil f32"), *((model, None) for model in MODELS)])


def _tell(bench: Bench, found: Found, runtimes: Sequence[str], model: str) -> None:
    for runtime in runtimes:
        for batch in BATCHES:
            if (runtime, model, batch) in bench.seen:
                speed, name = bench.speed(runtime, model, batch), f"{model or 'network'}, {runtime}, batch {batch}"
                found.add(f"{name}: wall", 1e3 * speed.wall_s, "ms a frame", "less")
                found.add(f"{name}: processor time", 1e3 * speed.cpu_s, "ms a frame", "less")


def _judge(bench: Bench, found: Found, against: _Against) -> None:
    """Vigil's default engine against the best of some runtimes."""
    name = against.name
    _, theirs = bench.best(against.runtimes, against.model)
    _, ours = bench.best(["vigil"], "")
    ratio = theirs.wall_s / ours.wall_s
    found.add(f"Vigil against {name}", ratio, "x", "more", ratio=True)
    found.add(f"Vigil against {name}, by processor time", theirs.cpu_s / ours.cpu_s, "x", "more", ratio=True)
    found.bars.append(
        Bar(row=against.row, what=f"frames/s against {name}, batch 1 or 8", value=ratio, least=against.least)
    )


def _plot(bench: Bench, found: Found, shown: Sequence[tuple[str, str | None]]) -> None:
    items = []
    for model, runtime in shown:
        _, speed = bench.best(_PEERS if runtime is None else [runtime], model)
        items.append((model or runtime or "", 1 / speed.wall_s))
    found.charts.append(Bars(title=f"Speed on {bench.threads} threads, 256x256", unit="frames/s", items=tuple(items)))


def _child(command: Sequence[str]) -> dict[str, Any]:
    """Run a command that ends in a line of JSON, with threads that do not spin."""
    root = str(Path(__file__).parent.parent)
    env = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": root}
    env.pop("OMP_NUM_THREADS", None)
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def main() -> None:
    """Measure, tell and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("network", "anomalib"))
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has onnxruntime and anomalib")
    parser.add_argument("--threads", type=int, default=cores(), help="for everyone; all cores by default")
    parser.add_argument("--work", type=Path, help="exported models are kept here, to be used again")
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--out", type=Path, help="keep the figures in this file, and a plot beside it")
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="vigil-peers-"))
    work.mkdir(parents=True, exist_ok=True)
    bench, found = Bench(options.python, options.quick, options.threads), Found()
    machine, began = this_machine(), time.monotonic()
    found.versions |= _child([options.python, *_CHILD, "versions"])
    {"network": network, "anomalib": anomalib}[options.what](bench, found, work)
    seconds = time.monotonic() - began
    finish(found.result(f"peers-{options.what}", machine, seconds, quick=options.quick), options.out, as_json=False)


if __name__ == "__main__":
    main()
