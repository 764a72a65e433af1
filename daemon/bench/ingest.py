"""Ingest: from a coded clip to the network's input, against decoding the same clip and nothing else."""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import av

from daemon.bench.figures import Bar, Bars, Found
from daemon.bench.footage import Footage
from engines.network.files import shared_network
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.sources.spec import parse_source

_MOST: Final = {"1920x1080": 1.0, "640x360": 0.8}
"""Processor time asked for, as a multiple of decoding alone."""
_FPS: Final = 5.0


def measure_ingest(found: Found, footage: Footage, *, quick: bool, tell: Callable[[str], None]) -> None:
    """Measure both sizes, by turns with the yardstick."""
    clips = {"1920x1080": footage.large(), "640x360": footage.small()}
    yardstick = _Ffmpeg() if shutil.which("ffmpeg") else _Libav()
    found.notes.append(f"yardstick: {yardstick.what}; processor time, all frames decoded, {_FPS:g} a second used")
    items = []
    for name, clip in clips.items():
        tell(f"ingest of {name}")
        alone, ours = [], []
        for _ in range(2 if quick else 7):
            alone.append(yardstick.seconds(clip))
            ours.append(ingest(clip))
        ratio = statistics.median(b / a for a, b in zip(alone, ours, strict=True))
        thousand = 1000 / _frames(clip)
        found.add(f"{name}: decoding alone", thousand * statistics.median(alone), "s a 1,000 frames", "less")
        found.add(f"{name}: ingest", thousand * statistics.median(ours), "s a 1,000 frames", "less")
        found.add(f"{name}: ingest against decoding alone", ratio, "", "less", ratio=True)
        found.bars.append(Bar(row="d", what=f"ingest against decoding alone, {name}", value=ratio, most=_MOST[name]))
        items += [(f"{name}, decoding alone", 1.0), (f"{name}, ingest", ratio)]
    found.charts.append(Bars(title="Processor time of ingest", unit="x decoding alone", items=tuple(items)))


def ingest(clip: Path) -> float:
    """Processor time, seconds, of reading a clip as the daemon reads a camera."""
    size = shared_network().spec.input_size
    settings = SourceSettings(fps=_FPS)
    began = time.process_time()
    with closing(open_source(parse_source(str(clip)), settings, size)) as source:
        while source.read() is not None:
            pass
    return time.process_time() - began


def _frames(clip: Path) -> int:
    with av.open(str(clip)) as container:
        return container.streams.video[0].frames


class _Ffmpeg:
    """``ffmpeg -threads 1 -f null``, less what starting it takes."""

    what = "ffmpeg -threads 1 -i CLIP -f null -, less its start"

    def seconds(self, clip: Path) -> float:
        return self._run(clip) - self._run(clip, "-frames:v", "1")

    def _run(self, clip: Path, *more: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = ["ffmpeg", "-v", "error", "-nostdin", "-threads", "1", "-i", str(clip), *more, "-f", "null", "-"]
        subprocess.run(command, check=True)  # noqa: S603 - arguments of our own
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class _Libav:
    """The same libraries in this process."""

    what = "PyAV, one thread, decoding every frame (no ffmpeg on the path)"

    def seconds(self, clip: Path) -> float:
        began = time.process_time()
        with av.open(str(clip)) as container:
            stream = container.streams.video[0]
            stream.thread_count = 1
            for _ in container.decode(stream):
                pass
        return time.process_time() - began
