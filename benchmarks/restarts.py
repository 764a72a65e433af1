"""A camera server that restarts a hundred times, and a camera that flaps: everyone returns, and nothing is left behind.

    python -m benchmarks.restarts --restarts 100 --flap-minutes 30 --out restarts.json

Of four cameras two are served by a process that is killed and started again; of the other two one is there for five
seconds and away for five, by turns, and one is well all the time. The beginning is measured after a minute and some
restarts, when caches and the allocator have what they need. The exit code is 1 when a bar is missed: every
restart is followed by both cameras being analysed again, memory ends within 3 % of where it began, processes,
threads and descriptors exactly there.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.field import Field, places, returns, watching
from benchmarks.vitals import VITALS, Vitals, read, typical
from daemon.bench.figures import Bar, Found, Lines, Series, this_machine
from daemon.bench.footage import Footage, default_folder
from daemon.bench.running import finish, say

FLAP_S = 5.0
WARM_RESTARTS = 10
_TELL_EVERY = 10


def rest(field: Field, began: float, seconds: float) -> list[Vitals]:
    """Samples of a time in which nothing happens, one a second."""
    taken = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(1.0)
        taken.append(read(field.page(), None, time.monotonic() - began))
    return taken


def restart(found: Found, field: Field, count: int, began: float) -> list[Vitals]:
    """Kill and start the first server again and again."""
    server, chance = field.servers[0], np.random.default_rng(1)
    taken: list[Vitals] = []
    after_s: list[float] = []
    missed = 0
    for number in range(count):
        server.kill()
        time.sleep(chance.uniform(0.2, 4.0))
        server.start()
        back = returns(field, list(server.streams))
        after_s += back.values()
        missed += len(back) < len(server.streams)
        time.sleep(chance.uniform(0.2, 1.0))
        taken.append(read(field.page(), None, time.monotonic() - began))
        if (number + 1) % _TELL_EVERY == 0:
            say(f"{number + 1} of {count} restarts, {missed} without recovery, {taken[-1].memory_mb:.1f} MB")
    found.add("restarts", count)
    if after_s:
        found.add("seconds until analysed again, median", statistics.median(after_s), "s", "less")
        found.add("seconds until analysed again, longest", max(after_s), "s", "less")
    found.bars.append(Bar(row="c", what="recoveries", value=count - missed, least=count))
    return taken


def flap(found: Found, field: Field, minutes: float, began: float) -> list[Vitals]:
    """One camera comes and goes by the clock; the other of its server must not notice."""
    server, taken = field.servers[1], []
    flapping, well = server.streams
    before = field.page()
    server.tell(f'faults {flapping} {{"flap_s": {FLAP_S}}}')
    until, told_s = time.monotonic() + 60 * minutes, time.monotonic()
    while time.monotonic() < until:
        time.sleep(2.0)
        taken.append(read(field.page(), None, time.monotonic() - began))
        if time.monotonic() - told_s > 60:
            told_s = time.monotonic()
            say(f"{(until - told_s) / 60:.0f} minutes of flapping left, {taken[-1].memory_mb:.1f} MB")
    after = field.page()
    server.tell(f"restore {flapping}")
    back = returns(field, [flapping])
    reconnects = {
        camera: count - before.by("camera", "vigil_camera_reconnects_total")[camera]
        for camera, count in after.by("camera", "vigil_camera_reconnects_total").items()
    }
    wanted = int(60 * minutes / (2 * FLAP_S))
    found.add("flapping: times that it was there again", reconnects[flapping])
    found.bars += [
        Bar(row="c", what="flapping: recoveries", value=reconnects[flapping], least=wanted - 1),
        Bar(row="c", what="flapping: back in the end", value=len(back), least=1),
        Bar(row="c", what="flapping: reconnections of the camera beside it", value=reconnects[well], most=0),
    ]
    return taken


def judge(found: Found, first: Sequence[Vitals], between: Sequence[Vitals], last: Sequence[Vitals]) -> None:
    """The end against the beginning."""
    for name in ("memory_mb", "processes", "threads", "descriptors"):
        words, unit = VITALS[name]
        begin, end = typical(first, name), typical(last, name)
        found.add(f"{words} in the beginning", begin, unit)
        found.add(f"{words} in the end", end, unit, "less")
        if name == "memory_mb":
            found.bars.append(Bar(row="c", what="memory, the end against the beginning", value=end / begin, most=1.03))
        else:
            found.bars.append(Bar(row="c", what=f"{words} more in the end", value=end - begin, most=0))
        points = tuple((one.at_s / 60, float(getattr(one, name))) for one in (*first, *between, *last))
        step = max(1, len(points) // 240)
        found.charts.append(Lines(title=words, x="minutes", y=unit or "count", series=(Series("", points[::step]),)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Restart, flap and judge; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--restarts", type=int, default=100)
    parser.add_argument("--flap-minutes", type=float, default=30.0)
    parser.add_argument("--rest", type=float, default=60.0, help="seconds of calm before and after")
    parser.add_argument("--work", type=Path, default=default_folder(), help="footage and profiles are kept here")
    parser.add_argument("--out", type=Path, help="keep the figures in this JSON file, and a plot beside it")
    options = parser.parse_args(arguments)
    began, machine, found = time.monotonic(), this_machine(), Found()
    shown = places(Footage(options.work, say), 4)
    names = list(shown)
    with watching(options.work, shown, [names[:2], names[2:]]) as field:
        rest(field, began, options.rest)
        restart(Found(), field, WARM_RESTARTS, began)
        first = rest(field, began, min(20.0, options.rest))
        between = restart(found, field, options.restarts, began)
        between += flap(found, field, options.flap_minutes, began)
        last = rest(field, began, options.rest)[-20:]
    judge(found, first, between, last)
    finish(found.result("restarts", machine, time.monotonic() - began, quick=False), options.out, as_json=False)
    return 0 if all(bar.met for bar in found.bars) else 1


if __name__ == "__main__":
    sys.exit(main())
