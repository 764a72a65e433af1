"""Cameras that go away: what the living notice, and how fast all come back.

    python -m benchmarks.outage --cameras 16 --out outage.json

By turns all cameras are served, and all but one: the latency of the living with the dead one is set against that
without, in rounds, since machines drift. Then all cameras are killed, and served again after 20 s. The exit code is 1
when a bar is missed: p99 of the living within 10 %, all analysed again within 5 s of their return.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.field import Field, places, returns, watching
from benchmarks.vitals import VERDICT
from daemon.bench.figures import Bar, Bars, Found, this_machine
from daemon.bench.footage import Footage, default_folder
from daemon.bench.running import finish, say

SETTLE_S = 4.0


def p99_ms(field: Field, seconds: float, dead: str) -> float:
    """Capture to verdict of all cameras but one, over the next seconds."""
    before = field.page().without("camera", dead)
    time.sleep(seconds)
    return 1000 * field.page().without("camera", dead).quantile(0.99, VERDICT, before)


def measure_one_dead(found: Found, field: Field, rounds: int, seconds: float) -> None:
    """One camera is killed and served again, round after round."""
    server = field.servers[0]
    (dead,) = server.streams
    ratios, alive_ms, dead_ms = [], [], []
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}: all cameras, then all but one, {seconds:g} s each")
        alive_ms.append(p99_ms(field, seconds, dead))
        server.kill()
        time.sleep(SETTLE_S)
        dead_ms.append(p99_ms(field, seconds, dead))
        ratios.append(dead_ms[-1] / alive_ms[-1])
        server.start()
        returns(field, [dead])
        time.sleep(SETTLE_S)
    found.add("p99 of the living, all served, median of the rounds", statistics.median(alive_ms), "ms", "less")
    found.add("p99 of the living, one dead, median of the rounds", statistics.median(dead_ms), "ms", "less")
    found.notes.append("one dead against all served, by round: " + ", ".join(f"{ratio:.2f}" for ratio in ratios))
    ratio = statistics.median(ratios)
    found.add("p99 of the living, one dead against all served", ratio, "", "less", ratio=True)
    found.bars.append(Bar(row="d", what="p99 of the living with one camera dead, as a ratio", value=ratio, most=1.10))


def measure_all_dead(found: Found, field: Field, outage_s: float) -> None:
    """Every camera is killed and served again."""
    say(f"no camera for {outage_s:g} s")
    before = field.page().total("vigil_camera_reconnects_total")
    for server in field.servers:
        server.kill()
    time.sleep(outage_s)
    for server in field.servers:
        server.start()
    back = returns(field, field.names)
    after_s = sorted(back.values())
    found.add("cameras back", len(back), "", "more")
    found.add("reconnections", field.page().total("vigil_camera_reconnects_total") - before)
    if after_s:
        found.add("seconds until analysed again, median", statistics.median(after_s), "s", "less")
        found.add("seconds until analysed again, longest", after_s[-1], "s", "less")
        found.charts.append(Bars(title="Until analysed again", unit="s", items=tuple(sorted(back.items()))))
    slowest = after_s[-1] if len(back) == len(field.names) else float("inf")
    found.bars.append(Bar(row="d", what="seconds until the last camera is analysed again", value=slowest, most=5.0))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and judge; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each half of a round")
    parser.add_argument("--outage", type=float, default=20.0, help="seconds without any camera")
    parser.add_argument("--outages", type=int, default=3)
    parser.add_argument("--work", type=Path, default=default_folder(), help="footage and profiles are kept here")
    parser.add_argument("--out", type=Path, help="keep the figures in this JSON file, and a plot beside it")
    options = parser.parse_args(arguments)
    began, machine, found = time.monotonic(), this_machine(), Found()
    shown = places(Footage(options.work, say), options.cameras)
    names = list(shown)
    with watching(options.work, shown, [names[:1], names[1:]]) as field:
        time.sleep(10.0)
        measure_one_dead(found, field, options.rounds, options.seconds)
        for _ in range(options.outages):
            measure_all_dead(found, field, options.outage)
            time.sleep(SETTLE_S)
    finish(found.result("outage", machine, time.monotonic() - began, quick=False), options.out, as_json=False)
    return 0 if all(bar.met for bar in found.bars) else 1


if __name__ == "__main__":
    sys.exit(main())
