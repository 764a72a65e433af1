"""Fuzzing: hostile and broken input for every parser, for as long as you like.

    python -m benchmarks.fuzz settings --minutes 10
    python -m benchmarks.fuzz all --minutes 10         # each of them
    python -m benchmarks.fuzz wire --again failure.bin # one input again, with its traceback

Valid inputs are spoilt in the terms of their structure (tables, JSON, multipart, arrays under a checksum that fits,
protocol buffers, H.264 units) and as bytes; what reaches new lines of Vigil is kept and spoilt further. Whatever comes:
only the documented error is raised, nothing takes long or much memory, and what is accepted comes back the same when it
is written and read again. The exit code is 1 when a promise is broken; the inputs that broke one are kept.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.fuzzing.files import cut_down, network_target, profile_target, sidecar_target, truth_target
from benchmarks.fuzzing.guard import keys_target, zap_target
from benchmarks.fuzzing.http import http_target
from benchmarks.fuzzing.replay import answer_target, request_target
from benchmarks.fuzzing.run import Outcome, fuzz
from benchmarks.fuzzing.settings import settings_target
from benchmarks.fuzzing.sources import fragment_target, list_target, source_target
from benchmarks.fuzzing.target import Target, Workshop
from benchmarks.fuzzing.video import video_target
from benchmarks.fuzzing.wire import wire_target
from daemon.bench.footage import Footage, default_folder
from engines.profile import Profile

TARGETS: Final[Mapping[str, Callable[[Workshop], Target]]] = {
    "settings": settings_target,
    "wire": wire_target,
    "fragment": fragment_target,
    "source": source_target,
    "list": list_target,
    "profile": profile_target,
    "network": network_target,
    "truth": truth_target,
    "sidecar": sidecar_target,
    "video": video_target,
    "zap": zap_target,
    "keys": keys_target,
    "http": http_target,
    "request": request_target,
    "answer": answer_target,
}
_MORE_MEMORY = 2 * 2**30
"""Bytes of address space beyond what the process has when it begins."""


def workshop(folder: Path, profile: Profile) -> Workshop:
    """Where targets work."""
    return Workshop(folder, cut_down(profile))


def tell(name: str, outcome: Outcome, kept: Path) -> None:
    """Print what came of a target and keep the inputs that failed."""
    rate = outcome.tried / max(outcome.seconds, 1e-9)
    print(
        f"{name:10} {outcome.tried:9} inputs, {rate:6.0f}/s, {outcome.accepted / outcome.tried:4.0%} accepted, "
        f"{outcome.lines} lines reached, slowest {outcome.slowest_s:.2f} s, {len(outcome.failures)} failures",
        flush=True,
    )
    for failure in outcome.failures.values():
        file = kept / f"{name}-{hashlib.sha256(failure.data).hexdigest()[:8]}.bin"
        file.write_bytes(failure.data)
        print(f"  {failure.what}\n    python -m benchmarks.fuzz {name} --again {file}")


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + _MORE_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--minutes", type=float, default=10.0, help="of each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--again", type=Path, metavar="FILE", help="try this input only")
    parser.add_argument("--profile", type=Path, help="a real profile; by default one that is learnt once")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="folder of inputs that failed")
    options = parser.parse_args(arguments)
    profile = options.profile or Footage(default_folder(), print).profile(0)
    failures = 0
    options.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="vigil-fuzz-") as folder:
        place = workshop(Path(folder), Profile.load(profile))
        _limit_memory()
        for name in TARGETS if options.target == "all" else (options.target,):
            target = TARGETS[name](place)
            if options.again is not None:
                print("accepted" if target.check(options.again.read_bytes()) else "refused")
                continue
            outcome = fuzz(target, seconds=60 * options.minutes, seed=options.seed, last=options.keep / f"{name}.last")
            tell(name, outcome, options.keep)
            failures += len(outcome.failures)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
