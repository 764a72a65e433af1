"""Reads streams as the daemon reads its cameras, and does nothing with them: what watching costs at the least.

``python -m daemon.bench.decoding SECONDS URL...`` writes the processor seconds that it used in each second.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing

from daemon.bench.footage import ANALYSED_FPS
from engines.network.files import shared_network
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.sources.source import NotYet
from pipelines.sources.spec import parse_source

_SETTLE_S = 5.0


def main(arguments: Sequence[str]) -> None:
    """Read every stream on a thread of its own, settle, and measure."""
    seconds, urls = float(arguments[0]), arguments[1:]
    stop, size = threading.Event(), shared_network().spec.input_size
    threads = [threading.Thread(target=read, args=(url, size, stop)) for url in urls]
    for thread in threads:
        thread.start()
    time.sleep(_SETTLE_S)
    wall, cpu = time.monotonic(), time.process_time()
    time.sleep(seconds)
    used = (time.process_time() - cpu) / (time.monotonic() - wall)
    stop.set()
    for thread in threads:
        thread.join()
    sys.stdout.write(f"{used:.6f}\n")
    sys.stdout.flush()


def read(url: str, size: tuple[int, int], stop: threading.Event) -> None:
    """Read one stream until told to stop."""
    with closing(open_source(parse_source(url), SourceSettings(fps=ANALYSED_FPS), size)) as source:
        while not stop.is_set():
            try:
                source.read(1.0)
            except NotYet:
                continue


if __name__ == "__main__":
    main(sys.argv[1:])
