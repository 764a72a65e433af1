"""Results of benchmarks as they are kept."""

from daemon.bench.figures import Bar, Bars, Figure, Lines, Machine, Result, Series

HERE = Machine(processor="a processor", cores=2, memory_gb=8.0, system="Linux", load=0.1)
ELSEWHERE = Machine(processor="another", cores=8, memory_gb=8.0, system="Linux", load=0.1)


def result(
    speed: float = 100.0, ratio: float = 2.0, *, machine: Machine = HERE, bench: str = "engine", quick: bool = False
) -> Result:
    """A result with a speed, a ratio, a latency and a plot of each kind."""
    return Result(
        bench=bench,
        made="2026-01-01 00:00 UTC",
        quick=quick,
        seconds=1.0,
        machine=machine,
        versions={"vigil": "0.1"},
        figures=(
            Figure(name="speed", value=speed, unit="frames/s", better="more"),
            Figure(name="against <decoding>", value=ratio, better="less", ratio=True),
            Figure(name="alerts", value=3.0),
        ),
        bars=(Bar(row="b", what="speed", value=speed, least=50.0),),
        charts=(
            Lines(title="Growth", x="cameras", y="MB", series=(Series("a & b", ((1.0, 2.0), (8.0, 5.0))),)),
            Bars(title="Speed", unit="frames/s", items=(("this <one>", speed), ("that", 1.0))),
        ),
    )
