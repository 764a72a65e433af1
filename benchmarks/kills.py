"""kill -9 of the daemon at random moments under a load of alerts, each time started again.

    python -m benchmarks.kills --times 200

The journal must open each time; every alert that a subscriber saw must be in it, no number twice, and no gap among the
numbers of a run.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter, defaultdict
from typing import Any

from benchmarks.alerting import Label, Listener, Place, place
from benchmarks.rig import arguments, tell


def judge(kept: list[Label], plain: list[Label], joined: list[Label]) -> dict[str, Any]:
    """The figures; all but the counts must be 0."""
    runs: dict[str, list[int]] = defaultdict(list)
    for boot_id, seq in kept:
        runs[boot_id].append(seq)
    return {
        "runs": len(runs),
        "alerts kept": len(kept),
        "alerts heard live": len(plain),
        "heard and not kept": len(set(plain) - set(kept)) + len(set(joined) - set(kept)),
        "numbers twice": len(kept) - len(set(kept)),
        "gaps": sum(sorted(numbers) != list(range(1, len(numbers) + 1)) for numbers in runs.values()),
        "twice to the joining subscriber": sum(count - 1 for count in Counter(joined).values()),
        "kept and missed by the joining subscriber": len(set(kept) - set(joined)),
    }


def kill_often(here: Place, times: int, seed: int) -> dict[str, Any]:
    """Start, wait for an alert and a random while, kill; then judge what the journal has."""
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    plain, joined = Listener(here.publish, replay=False), Listener(here.publish, "start")
    opened = 0
    for _ in range(times):
        here.start()
        plain.await_alerts(1)
        plain_wait_s = chance.uniform(0.0, 1.0)
        plain._stop.wait(plain_wait_s)
        here.end(signal.SIGKILL)
        here.kept()  # raises if it does not open
        opened += 1
    here.start()
    plain.await_alerts(5)
    until = time.monotonic() + 30.0
    while set(here.kept()) - set(joined.heard) and time.monotonic() < until:  # it can only ask while there is a daemon
        time.sleep(0.1)
    here.end(signal.SIGTERM)
    joined._stop.wait(3.0)
    for listener in (plain, joined):
        listener.stop()
    aside = len(list(here.journal.glob("damaged-*")))
    return {"kills": times, "opened": opened, "set aside": aside, **judge(here.kept(), plain.heard, joined.heard)}


def main() -> None:
    """Print the figures, one a line."""
    parser = arguments(__doc__, cameras=None)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with place(options.work) as here:
        tell(kill_often(here, options.times, options.seed), options.json)


if __name__ == "__main__":
    main()
