"""The engine: milliseconds a frame, frames a second, and the share of what the processor can do at that precision."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from daemon.bench.arithmetic import Cost, Peak, Precision, cost, flop, sgemm
from daemon.bench.figures import Bar, Bars, Found, Lines, Series, cores
from engines.contract import Engine, Pixels
from engines.network.files import Network, shared_network
from engines.runtime.openvino import processor
from engines.runtime.select import EngineSettings, select_engine

BATCHES = (1, 4, 8, 16)
SHARES: dict[Precision, float] = {"f32": 0.75, "bf16": 0.55}
"""The share of the peak that is asked for."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long is measured."""

    rounds: int
    seconds: float
    """Of one measurement."""

    @classmethod
    def of(cls, *, quick: bool) -> Effort:
        """Ten seconds, or two minutes."""
        return cls(2, 0.3) if quick else cls(7, 1.0)


@dataclass(slots=True)
class _Rounds:
    """What several rounds gave: measured by turns, so that a busy moment hits all alike."""

    peak: list[float] = field(default_factory=list)
    share: list[float] = field(default_factory=list)
    costs: dict[int, list[Cost]] = field(default_factory=dict)

    def frame(self, batch: int) -> Cost:
        """The median cost of a frame."""
        walls, cpus = ([getattr(each, key) for each in self.costs[batch]] for key in ("wall_s", "cpu_s"))
        return Cost(statistics.median(walls) / batch, statistics.median(cpus) / batch)


def measure_engine(found: Found, *, quick: bool, tell: Callable[[str], None]) -> None:
    """Measure every precision that this processor has, on one thread and on all cores."""
    network, effort = shared_network(), Effort.of(quick=quick)
    operations = flop(network)
    found.add("network, operations a frame", operations / 1e9, "GFLOP")
    found.notes.append(
        "shares of the peak are by processor time; frames a second by the wall clock of a busy machine lie"
    )
    curves = []
    for precision in (each for each in SHARES if each in processor().precisions):
        for threads in sorted({1, cores()}):
            tell(f"engine in {precision} on {threads} thread{'s' * (threads > 1)}")
            rounds = _measure(network, precision, threads, effort, operations)
            curves.append(_tell(found, f"{precision}, {threads} thread{'s' * (threads > 1)}", rounds))
            if threads == 1:
                _judge(found, precision, statistics.median(rounds.share))
    _default(found, network, effort)
    _cross_check(found, network, effort, operations)
    found.charts += [
        Lines(title="Processor time of a frame", x="frames in a batch", y="ms", series=tuple(curves)),
        Bars(
            title="Share of the measured peak",
            unit="%",
            items=tuple((bar.what.partition(":")[0], 100 * bar.value) for bar in found.bars),
        ),
    ]


def _measure(network: Network, precision: Precision, threads: int, effort: Effort, operations: int) -> _Rounds:
    rounds, peak = _Rounds(), Peak(precision, threads)
    with opened(select_engine(network, EngineSettings(precision=precision, threads=threads))) as engine:
        for _ in range(effort.rounds):
            rounds.peak.append(peak.measure(effort.seconds)[1])
            for batch in BATCHES:
                rounds.costs.setdefault(batch, []).append(cost(pass_of(engine, batch), effort.seconds / 2))
            rounds.share.append(operations / rounds.costs[1][-1].cpu_s / rounds.peak[-1])
    return rounds


@contextmanager
def opened(engine: Engine) -> Iterator[Engine]:
    """Close an engine whatever happens."""
    engine.open()
    try:
        yield engine
    finally:
        engine.close()


def pass_of(engine: Engine, batch: int) -> Callable[[], None]:
    """What the detector asks of the engine for a batch: encode the pixels, decode latents."""
    pixels = frames(batch, engine.spec.input_size)
    latent = engine.encode(pixels).latent

    def call() -> None:
        engine.encode(pixels)
        engine.decode(latent)

    return call


def frames(count: int, size: tuple[int, int]) -> Pixels:
    """Smooth random pictures, uint8 [N, H, W, 3]."""
    made = np.random.default_rng(7).integers(0, 256, (count, size[0] // 8, size[1] // 8, 3), dtype=np.uint8)
    return np.ascontiguousarray(made.repeat(8, 1).repeat(8, 2))


def _tell(found: Found, name: str, rounds: _Rounds) -> Series:
    found.add(f"{name}: peak by matrix product", statistics.median(rounds.peak) / 1e9, "GFLOP/s a core", "more")
    found.add(f"{name}: share of the peak", statistics.median(rounds.share), "", "more", ratio=True)
    for batch in BATCHES:
        each = rounds.frame(batch)
        found.add(f"{name}, batch {batch}: processor time", 1e3 * each.cpu_s, "ms a frame", "less")
        found.add(f"{name}, batch {batch}: wall", 1e3 * each.wall_s, "ms a frame", "less")
    found.add(f"{name}: frames", 1 / min(rounds.frame(batch).wall_s for batch in BATCHES), "frames/s", "more")
    return Series(name, tuple((float(batch), 1e3 * rounds.frame(batch).cpu_s) for batch in BATCHES))


def _judge(found: Found, precision: Precision, share: float) -> None:
    what = f"{precision} on one thread: share of the measured peak"
    found.bars.append(Bar(row="b", what=what, value=share, least=SHARES[precision]))


def _cross_check(found: Found, network: Network, effort: Effort, operations: int) -> None:
    """The float32 engine against the product of matrices that numpy has, which reaches less of the processor."""
    with opened(select_engine(network, EngineSettings(precision="f32", threads=1))) as engine:
        frame = cost(pass_of(engine, 1), effort.seconds)
    peak = sgemm(effort.seconds)
    found.add("cross-check: numpy's product of matrices, f32", peak / 1e9, "GFLOP/s a core", "more")
    found.add("cross-check: f32, 1 thread: share of numpy's product", operations / frame.cpu_s / peak, ratio=True)


def _default(found: Found, network: Network, effort: Effort) -> None:
    """What the daemon would run on this machine."""
    with opened(select_engine(network, EngineSettings())) as engine:
        info = engine.info
        found.notes.append(f"default engine: {info.runtime} on {info.device}, {info.precision}, network {info.model}")
        each = cost(pass_of(engine, 1), effort.seconds)
    found.add("default engine, batch 1: processor time", 1e3 * each.cpu_s, "ms a frame", "less")
    found.add("default engine, batch 1: frames", 1 / each.wall_s, "frames/s", "more")
