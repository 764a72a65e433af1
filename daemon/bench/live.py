"""The whole daemon on stand-in cameras: many streams, still ones, more than it can take, more and more of them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from daemon.bench.figures import Bar, Bars, Found, Lines, Series, cores
from daemon.bench.footage import ANALYSED_FPS, FPS, Footage
from daemon.bench.rig import Plan, Seat, cameras_serving
from daemon.bench.watch import Watched, p99_ms, seats, tell, watch
from daemon.config import Settings
from daemon.demo.child import Child

STREAMS_A_CORE, STILL_STREAMS_A_CORE, LOAD_CAMERAS_A_CORE = 14, 32, 8
SCALE = (1, 2, 4, 8, 16, 32, 64)
_LOADS = (0.5, 0.9, 1.2)
_MOST_P99_MS = 300.0
_SHARE = 0.99
"""A run keeps up when this share of its frames is analysed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What the live benchmarks share."""

    footage: Footage
    quick: bool
    say: Callable[[str], None]
    cameras: int | None = None
    """In place of the number that this machine is asked for."""
    minutes: float | None = None
    """Of each run, in place of the benchmark's own."""
    extra: str = ""
    """More of the daemon's settings, TOML."""

    def run(self, plan: Plan, settle_s: float, seconds: float) -> Watched:
        """Watch; a quick run is shorter."""
        if self.minutes is not None:
            seconds = 60 * self.minutes
        elif self.quick:
            settle_s, seconds = min(settle_s, 5.0), min(seconds, 15.0)
        self.say(f"{len(plan.seats)} cameras at {plan.fps:.3g} frames/s for {settle_s + seconds:.0f} s")
        return watch(self.footage.folder, plan, settle_s, seconds)

    def seats(self, count: int, still: float = 0.0) -> dict[str, Seat]:
        """Cameras; a quick benchmark shows two views only."""
        return seats(self.footage, count, still=still, views=2 if self.quick else 4)

    def plan(self, seats: Mapping[str, Seat], *, gate: bool | None, fps: float = ANALYSED_FPS) -> Plan:
        """How they are watched; `gate` None leaves the gate as it is by default."""
        return Plan(seats=seats, fps=fps, extra=f"{gate_settings(gate)}\n{self.extra}")


def gate_settings(enabled: bool | None) -> str:  # noqa: FBT001 - a key of the settings
    """The part of the settings that switches the change gate."""
    if enabled is None or "gate" not in Settings.__struct_fields__:
        return ""
    return f"[gate]\nenabled = {str(enabled).lower()}"


def measure_streams(found: Found, live: Live) -> None:
    """Row e: many busy streams, each frame of which is computed."""
    count = live.cameras or STREAMS_A_CORE * cores()
    seen = live.run(live.plan(live.seats(count), gate=False), 30.0, 120.0)
    name = f"{count} busy streams"
    tell(found, name, seen)
    found.bars += [
        Bar(row="e", what=f"{name}, gate off: share of frames analysed", value=seen.share, least=_SHARE),
        Bar(row="e", what=f"{name}, gate off: capture to publish p99, ms", value=p99_ms(seen), most=_MOST_P99_MS),
    ]
    _note_latency(found, seen)


def measure_still(found: Found, live: Live) -> None:
    """Row f: nine in ten cameras see nothing change; and what such a camera costs beside its decoding."""
    count = live.cameras or STILL_STREAMS_A_CORE * cores()
    name = f"{count} streams, nine in ten still"
    seen = live.run(live.plan(live.seats(count, still=0.9), gate=True), 30.0, 120.0)
    tell(found, name, seen)
    quiet = live.seats(max(2, count // 4), still=1.0)
    watched = live.run(live.plan(quiet, gate=True), 20.0, 60.0)
    alone = decoding_cores(live, quiet)
    tell(found, f"{len(quiet)} still streams", watched)
    found.add(f"{len(quiet)} still streams: cores used by decoding alone", alone, "", "less")
    found.add("a still stream against its decoding", watched.cores / alone, "", "less", ratio=True)
    found.bars += [
        Bar(row="f", what=f"{name}, gate on: share of frames analysed", value=seen.share, least=_SHARE),
        Bar(row="f", what=f"{name}, gate on: capture to publish p99, ms", value=p99_ms(seen), most=_MOST_P99_MS),
        Bar(row="f", what="a still stream against its decoding", value=watched.cores / alone, most=1.15),
    ]
    items = (("decoding alone", alone), ("the whole daemon", watched.cores))
    per = tuple((what, 1e3 * used / len(quiet)) for what, used in items)
    found.charts.append(Bars(title="Processor time of a still stream", unit="ms a second", items=per))
    _note_latency(found, seen)


def decoding_cores(live: Live, seats: Mapping[str, Seat]) -> float:
    """Processor seconds a second of reading the same streams as the daemon does, and nothing else."""
    seconds = 10.0 if live.quick else 40.0
    live.say(f"decoding {len(seats)} streams alone for {seconds:.0f} s")
    folder = live.footage.folder
    with cameras_serving(folder, seats) as (_, urls):
        arguments = ["daemon.bench.decoding", f"{seconds:g}", *urls.values()]
        with Child("decoding alone", arguments, folder / "decoding.log") as child:
            return msgspec.json.decode(child.await_line(seconds + 60.0), type=float)


def measure_load(found: Found, live: Live) -> None:
    """Row h, and latency at half, nine tenths and 1.2 times what the machine can take, at a fixed number of cameras.

    The load is set by the analysed rate. What the machine can take is what it analyses when offered more.
    """
    shown = live.seats(live.cameras or LOAD_CAMERAS_A_CORE * cores())
    capacity = _capacity(live, shown)
    found.add("capacity", capacity, "frames/s", "more")
    runs: dict[float, Watched] = {}
    for load in _LOADS:
        fps = min(FPS, load * capacity / len(shown))
        seconds = 600.0 if load > 1 else 120.0
        runs[load] = live.run(live.plan(shown, gate=False, fps=fps), 30.0, seconds)
        tell(found, f"{load:.0%} load", runs[load])
    _judge_load(found, runs)
    series = tuple(
        Series(
            f"to {what}, {share}",
            tuple((100 * load, getattr(seen, f"{what}_ms")[which]) for load, seen in runs.items()),
        )
        for what in ("verdict", "publish")
        for which, share in enumerate(("p50", "p99"))
    )
    found.charts.append(Lines(title="Latency from capture", x="load, %", y="ms", series=series))


def _capacity(live: Live, shown: Mapping[str, Seat]) -> float:
    """Frames a second that are analysed when more are offered: first far more, then a little more."""
    most = live.run(live.plan(shown, gate=False, fps=FPS), 10.0, 20.0).analysed_fps
    fps = min(FPS, 1.3 * most / len(shown))
    return live.run(live.plan(shown, gate=False, fps=fps), 10.0, 30.0).analysed_fps


def _judge_load(found: Found, runs: Mapping[float, Watched]) -> None:
    high, over = runs[0.9], runs[1.2]
    latency = p99_ms(over) / p99_ms(high)
    growth = over.memory_mb[1] / over.memory_mb[0] - 1
    found.add("p99 at 120 % against 90 % load", latency, "", "less", ratio=True)
    found.add("120 % load: memory's growth", growth)
    found.bars += [
        Bar(row="h", what="p99 at 120 % load, as a multiple of that at 90 %", value=latency, most=2.0),
        Bar(row="h", what="120 % load: unevenness of what cameras got", value=over.unevenness, most=0.05),
        Bar(row="h", what="120 % load: growth of memory", value=growth, most=0.03),
    ]


def measure_scaling(found: Found, live: Live) -> None:
    """Row i, and how all figures grow with the number of cameras."""
    counts = [count for count in SCALE if count <= (live.cameras or SCALE[-1])]
    if live.quick:
        counts = [count for count in counts if count in (1, 8, 16)]
    runs = {}
    for count in counts:
        runs[count] = live.run(live.plan(live.seats(count), gate=None), 15.0, 30.0)
        tell(found, f"{count} streams", runs[count])
    _judge_memory(found, runs)
    found.charts += [
        _curve("Cores used", "cores", runs, lambda seen: seen.cores),
        _curve("Memory", "MB", runs, lambda seen: seen.memory_mb[2]),
        _curve("Share of frames analysed", "%", runs, lambda seen: 100 * seen.share),
        _curve("Capture to verdict, p99", "ms", runs, lambda seen: seen.verdict_ms[1]),
    ]


def _judge_memory(found: Found, runs: Mapping[int, Watched]) -> None:
    if 8 in runs:
        found.bars.append(Bar(row="i", what="memory with 8 cameras, MB", value=runs[8].memory_mb[2], most=350.0))
    above = [count for count in runs if count >= 8]
    if len(above) > 1:
        each = slope([(float(count), runs[count].memory_mb[2]) for count in above])
        found.add("memory of each further camera", each, "MB", "less")
        found.bars.append(Bar(row="i", what="memory of each further camera, MB", value=each, most=12.0))


def slope(points: list[tuple[float, float]]) -> float:
    """Of the straight line that fits best."""
    xs, ys = zip(*points, strict=True)
    return float(statistics.linear_regression(xs, ys).slope)


def _curve(title: str, unit: str, runs: Mapping[int, Watched], value: Callable[[Watched], float]) -> Lines:
    points = tuple((float(count), value(seen)) for count, seen in runs.items() if math.isfinite(value(seen)))
    return Lines(title=title, x="cameras", y=unit, series=(Series("", points),))


def _note_latency(found: Found, seen: Watched) -> None:
    found.notes.append(
        "latency by the daemon's own histograms, interpolated within a bucket; to publish: over "
        f"{seen.alerts:.0f} alerts, most from one busy camera in eight that is made to raise one a second; the p99 "
        "judged is the slower of verdict and publish"
    )
