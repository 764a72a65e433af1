"""Cameras that fail in every way, for hours, and a daemon that must stay level: memory, threads, descriptors, latency.

    python -m benchmarks.soak --minutes 120 --out soak.json      # the plot is soak.svg, the samples soak.samples.jsonl
    python -m benchmarks.soak --minutes 1440 --out day.json      # a day
    python -m benchmarks.soak --judge soak.samples.jsonl         # judges again what was sampled

Every camera is in trouble for two fifths of each period, a different trouble each time (`benchmarks/troubles.py`), so
that at any time six or seven of sixteen are. A slope is the median of all pairs of samples (Theil-Sen); its noise comes
from a moving-block bootstrap. A rise beyond that still passes when it comes to less than 0.5 % of the median over the
whole run (latency: 5 %), since six quantities are judged at 95 % each. Samples of the first tenth of the time, at
least a minute, are left out: caches fill. The exit code is 1 when a slope rises more than that, when a camera did not
come back within 15 s of the end of its trouble, when a capture thread met an unexpected error, or when the daemon
ended. Ctrl-C judges what there is so far.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.field import Field, places, watching
from benchmarks.slopes import Slope, slope_of
from benchmarks.troubles import LOOKS, Spell, spells
from benchmarks.vitals import NEGLIGIBLE, VITALS, Vitals, read, typical, value_of
from daemon.bench.figures import Bar, Found, Lines, Series, this_machine
from daemon.bench.footage import ANALYSED_FPS, Footage, default_folder
from daemon.bench.running import finish, say
from daemon.bench.scrape import Page
from pipelines.simulation.looks import Wardrobe
from pipelines.simulation.rtp import load_clip

TROUBLED = 0.4
"""The share of its time that a camera is in trouble."""
PATIENCE_S = 15.0
WARM_SHARE, WARM_LEAST_S = 0.1, 60.0
_TICK_S = 0.5
_SAMPLES = 720
"""A run takes about so many samples, one in ten seconds at most."""
_TOLD = 240
"""Points of a curve that is drawn."""


@dataclass(frozen=True, slots=True)
class Return:
    """How a camera came back from a trouble; None: not within the patience."""

    spell: Spell
    after_s: float | None


@dataclass
class Book:
    """What is written down while it runs."""

    kept: Path | None
    samples: list[Vitals] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)

    def note(self, sample: Vitals) -> None:
        """Keep a sample, in the file too, so that a run that is cut off is not lost."""
        self.samples.append(sample)
        if self.kept is not None:
            with self.kept.open("ab") as file:
                file.write(msgspec.json.encode(sample) + b"\n")


class Nurse:
    """Puts cameras into trouble and out of it, and watches them come back."""

    def __init__(self, field_: Field, plan: Sequence[Spell], book: Book) -> None:
        self._field, self._book = field_, book
        self._coming = deque(plan)
        self._going: list[Spell] = []
        self._awaited: dict[str, tuple[Spell, float, float]] = {}

    def tend(self, now_s: float, page: Page) -> None:
        """Do what is due, and see who is analysed again."""
        analysed = page.by("camera", "vigil_frames_analysed_total")
        for camera, (spell, since_s, frames) in tuple(self._awaited.items()):
            if analysed[camera] > frames:
                self._close(spell, now_s - since_s)
            elif now_s - since_s > PATIENCE_S:
                self._close(spell, None)
        while self._coming and self._coming[0].begin_s <= now_s:
            spell = self._coming.popleft()
            self._tell(spell.camera, spell.trouble.begin(spell.camera))
            self._going.append(spell)
        for spell in [one for one in self._going if one.end_s <= now_s]:
            self._going.remove(spell)
            self._tell(spell.camera, spell.trouble.end(spell.camera))
            self._awaited[spell.camera] = (spell, now_s, analysed[spell.camera])

    def _close(self, spell: Spell, after_s: float | None) -> None:
        del self._awaited[spell.camera]
        self._book.returns.append(Return(spell, after_s))
        if after_s is None:
            say(f"{spell.camera} did not come back within {PATIENCE_S:g} s of: {spell.trouble.name}")

    def _tell(self, camera: str, lines: Sequence[str]) -> None:
        server = self._field.server_of(camera)
        for line in lines:
            server.tell(line)


def soak(field_: Field, plan: Sequence[Spell], seconds: float, book: Book) -> None:
    """Run until the time is over, sampling. Raises `ChildFailed` when the daemon ends."""
    nurse, began = Nurse(field_, plan, book), time.monotonic()
    every_s = max(10.0, seconds / _SAMPLES)
    before, due_s, told_s = field_.page(), every_s, 0.0
    while (now_s := time.monotonic() - began) < seconds:
        page = field_.page()
        nurse.tend(now_s, page)
        if now_s >= due_s:
            book.note(read(page, before, now_s))
            before, due_s = page, now_s + every_s
        if now_s - told_s >= 60.0:
            told_s = now_s
            say(_progress(book, now_s, seconds))
        time.sleep(_TICK_S)


def _progress(book: Book, now_s: float, seconds: float) -> str:
    if not book.samples:
        return f"{now_s / 60:.0f} of {seconds / 60:.0f} minutes"
    last = book.samples[-1]
    return (
        f"{now_s / 60:.0f} of {seconds / 60:.0f} minutes: {last.memory_mb:.1f} MB, {last.processes:g} processes, "
        f"{last.threads:g} threads, {last.descriptors:g} descriptors, p99 {last.p99_ms or 0:.0f} ms, "
        f"{last.cameras_up:g} cameras up, {len(book.returns)} returns"
    )


def judge(found: Found, book: Book) -> None:
    """The slopes, the returns and their plots."""
    last_s = book.samples[-1].at_s if book.samples else 0.0
    settled = [s for s in book.samples if s.at_s >= min(last_s / 2, max(WARM_LEAST_S, WARM_SHARE * last_s))]
    for name, (words, unit) in VITALS.items():
        values = np.array([value_of(sample, name) for sample in settled])
        slope = slope_of(np.array([sample.at_s for sample in settled]), values)
        hours = (settled[-1].at_s - settled[0].at_s) / 3600
        _tell_slope(found, words, unit, slope)
        _judge_slope(found, words, slope, hours, NEGLIGIBLE[name])
        found.charts.append(_curve(book.samples, settled, name, words, unit, slope))
    found.add("frames analysed", book.samples[-1].analysed - book.samples[0].analysed)
    found.add("reconnections", book.samples[-1].reconnects - book.samples[0].reconnects)
    restarts = book.samples[-1].restarts
    found.bars.append(Bar(row="j", what="capture threads that met an unexpected error", value=restarts, most=0))
    if book.returns:
        _judge_returns(found, book.returns)


def _tell_slope(found: Found, words: str, unit: str, slope: Slope) -> None:
    found.add(f"{words}: median", slope.typical, unit, "less")
    found.add(f"{words}: slope an hour", slope.per_hour, unit)
    found.add(f"{words}: slope an hour, low end of its noise", slope.low, unit)
    found.add(f"{words}: slope an hour, high end of its noise", slope.high, unit)


def _judge_slope(found: Found, words: str, slope: Slope, hours: float, negligible: float) -> None:
    """What it rises over the run beyond its noise, as a share of its median; 0 when it is level or falls."""
    beyond = max(0.0, slope.low) * hours / slope.typical
    found.notes.append(f"{words}: {slope.verdict}")
    what = f"{words}: rise over the run beyond its noise, as a share of its median"
    found.bars.append(Bar(row="j", what=what, value=beyond, most=negligible))


def _judge_returns(found: Found, returns: Sequence[Return]) -> None:
    came = sorted(one.after_s for one in returns if one.after_s is not None)
    found.add("troubles that ended", len(returns))
    if came:
        found.add("seconds until analysed again, median", float(np.median(came)), "s", "less")
        found.add("seconds until analysed again, longest", came[-1], "s", "less")
    missed = [f"{one.spell.camera} after {one.spell.trouble.name}" for one in returns if one.after_s is None]
    found.notes += [f"did not come back: {text}" for text in missed]
    slowest = sorted((one for one in returns if one.after_s is not None), key=lambda one: -(one.after_s or 0))[:3]
    found.notes += [
        f"slowest return: {o.spell.camera} after {o.spell.trouble.name}, {o.after_s:.1f} s" for o in slowest
    ]
    found.bars.append(Bar(row="j", what="cameras that did not come back", value=len(missed), most=0))


def _curve(
    samples: Sequence[Vitals], settled: Sequence[Vitals], name: str, words: str, unit: str, slope: Slope
) -> Lines:
    step = max(1, len(samples) // _TOLD)
    points = tuple((sample.at_s / 60, value_of(sample, name)) for sample in samples[::step])
    ends = (settled[0].at_s, settled[-1].at_s)
    level, middle_s = typical(settled, name), sum(ends) / 2
    fitted = tuple((at_s / 60, level + slope.per_hour * (at_s - middle_s) / 3600) for at_s in ends)
    series = (Series("sampled", points), Series(f"{slope.per_hour:+.3g} an hour: {slope.verdict}", fitted))
    return Lines(title=words, x="minutes", y=unit or "count", series=series)


def code_looks(clips: Iterable[Path]) -> None:
    """Code what the cameras will show, while nothing else runs."""
    for clip in sorted(clips):
        wardrobe = Wardrobe({clip: load_clip(clip)})
        for look in LOOKS:
            say(f"{clip.stem}: {look}")
            wardrobe.prepare(clip, look)


def run(options: argparse.Namespace, book: Book) -> None:
    """Make what is missing, then soak."""
    footage = Footage(options.work, say)
    shown = places(footage, options.cameras)
    names = list(shown)
    seconds = 60 * options.minutes
    code_looks({seat.clip for seat in shown.values()})
    with watching(footage.folder, shown, [names], fps=options.fps) as field_:
        say(f"{len(names)} cameras for {options.minutes:g} minutes; Ctrl-C judges what there is")
        try:
            soak(field_, spells(names, seconds, options.period, TROUBLED), seconds, book)
        except KeyboardInterrupt:
            say("stopped early")


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak and judge; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--cameras", type=int, default=16)
    parser.add_argument("--fps", type=float, default=ANALYSED_FPS, help="frames that each camera has analysed a second")
    parser.add_argument("--period", type=float, default=100.0, help="seconds in which each camera has one trouble")
    parser.add_argument("--work", type=Path, default=default_folder(), help="footage and profiles are kept here")
    parser.add_argument("--out", type=Path, help="keep the figures in this JSON file, samples and plot beside it")
    parser.add_argument("--judge", type=Path, metavar="SAMPLES", help="run nothing: judge samples that were kept")
    options = parser.parse_args(arguments)
    began, machine, found = time.monotonic(), this_machine(), Found()
    kept = None if options.out is None else options.out.with_suffix(".samples.jsonl")
    book = Book(kept if options.judge is None else None)
    if options.judge is not None:
        book.samples = [msgspec.json.decode(line, type=Vitals) for line in options.judge.read_bytes().splitlines()]
    else:
        if kept is not None:
            kept.unlink(missing_ok=True)
        run(options, book)
    judge(found, book)
    finish(found.result("soak", machine, time.monotonic() - began, quick=False), options.out, as_json=False)
    return 0 if all(bar.met for bar in found.bars) else 1


if __name__ == "__main__":
    sys.exit(main())
