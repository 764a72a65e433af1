"""``vigil enrol``: normal footage -> a profile."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.markup import escape
from rich.progress import Progress as Bar
from rich.table import Table

from daemon.commands.footage import batches, samples, source_of
from daemon.commands.terminal import notes, progress_bar, results, write_json
from daemon.errors import SettingsError
from engines.contract import Engine, Progress
from engines.enrolment import Enrolled, Enrolment, EnrolmentSettings
from engines.network.files import shared_network
from engines.runtime.select import EngineSettings, select_engine
from pipelines.errors import SourceError
from pipelines.sources.spec import SourceSpec, parse_source, read_sources_file

_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolOptions:
    """The command's arguments."""

    sources: Sequence[str]
    sources_file: Path | None
    out: Path
    minutes: float | None
    fps: float | None
    false_alarms_per_day: float
    as_json: bool


def enrol(options: EnrolOptions) -> None:
    """Learn from the sources in order and write the profile; says what was left out.

    Raises `SettingsError` for arguments, `SourceError` for footage that cannot be read, `EnrolmentError` for footage
    that is no basis for a profile.
    """
    specs = _specs(options)
    _require_writable(options.out)
    network = shared_network()
    engine = select_engine(network, EngineSettings())
    with closing(engine), progress_bar() as bar:
        engine.open()
        settings = EnrolmentSettings(false_alarms_per_day=options.false_alarms_per_day)
        enrolment = Enrolment(engine, network, settings)
        frames = _learn(specs, options, engine, enrolment, bar)
        enrolled = _fit(enrolment, bar)
    enrolled.profile.save(options.out)
    if options.as_json:
        write_json(_summary(options, enrolled, frames))
    else:
        _tell(options, enrolled, frames)


def _specs(options: EnrolOptions) -> list[SourceSpec]:
    try:
        specs = [parse_source(text) for text in options.sources]
        specs += read_sources_file(options.sources_file) if options.sources_file else []
    except SourceError as error:
        raise SettingsError(str(error)) from None
    if not specs:
        raise SettingsError("no footage: name sources, or a list of them with --sources-file")
    for spec in specs:
        if spec.live and options.minutes is None:
            raise SettingsError(f"{spec.label} is live and does not end: say how much of it to use with --minutes")
    return specs


def _require_writable(out: Path) -> None:
    """Fail before the long work and not after it."""
    if out.is_dir() or not out.parent.is_dir() or not os.access(out.parent, os.W_OK):
        raise SettingsError(f"--out {out}: expected a file in a folder that exists and can be written to")


def _learn(specs: Sequence[SourceSpec], options: EnrolOptions, engine: Engine, enrolment: Enrolment, bar: Bar) -> int:
    frames = 0
    whole = bar.add_task("sources", total=len(specs))
    for spec in specs:
        frames += _learn_one(spec, options, engine, enrolment, bar)
        bar.advance(whole)
    return frames


def _learn_one(spec: SourceSpec, options: EnrolOptions, engine: Engine, enrolment: Enrolment, bar: Bar) -> int:
    source = source_of(spec, options.fps, engine.spec.input_size)
    seconds = None if options.minutes is None else options.minutes * 60
    task = bar.add_task(Path(spec.label).name or spec.label, total=None)
    frames, part = 0, None
    for batch in batches(samples(source, seconds)):
        if batch[0].part != part:
            part = batch[0].part
            enrolment.stretch(spec.label, still=source.still)
        enrolment.add([s.time_s for s in batch], np.stack([s.pixels for s in batch]))
        frames += len(batch)
        bar.update(task, completed=frames, total=source.size_hint)
    bar.remove_task(task)
    if frames == 0:
        raise SourceError(f"{spec.label}: no frame in it; check the source and its stretch")
    return frames


def _fit(enrolment: Enrolment, bar: Bar) -> Enrolled:
    task = bar.add_task("fitting", total=None)

    def show(progress: Progress) -> None:
        bar.update(task, completed=progress.done, total=progress.total, description=progress.what or "fitting")

    return enrolment.finish(show)


def _summary(options: EnrolOptions, enrolled: Enrolled, frames: int) -> dict[str, object]:
    return {
        "out": str(options.out),
        "profile": enrolled.profile.id,
        "network": enrolled.profile.network.id,
        "threshold": enrolled.profile.threshold,
        "still": enrolled.profile.still,
        "frames": frames,
        "left_out": [{"source": o.source, "time_s": o.time_s, "why": o.why} for o in enrolled.left_out],
        "warnings": list(enrolled.warnings),
    }


def _tell(options: EnrolOptions, enrolled: Enrolled, frames: int) -> None:
    profile = enrolled.profile
    for warning in enrolled.warnings:
        notes().print(f"[yellow]note:[/] {escape(warning)}")
    if enrolled.left_out:
        _tell_left_out(enrolled)
    results().print(
        f"{escape(str(options.out))}: profile {profile.id} of {frames} frames, threshold {profile.threshold:.2f} "
        f"for a budget of {options.false_alarms_per_day:g} false alarms a day"
    )


def _tell_left_out(enrolled: Enrolled) -> None:
    left_out = enrolled.left_out
    table = Table(title="left out of what was learnt", title_justify="left")
    table.add_column("source", overflow="fold")
    table.add_column("picture" if enrolled.profile.still else "from", justify="right")
    table.add_column("why")

    def when(time_s: float) -> str:
        return f"{time_s:.0f}" if enrolled.profile.still else f"{time_s:.1f} s"

    for each in left_out[:_SHOWN]:
        table.add_row(escape(each.source), when(each.time_s), escape(each.why))
    if len(left_out) > _SHOWN:
        table.add_row(f"and {len(left_out) - _SHOWN} more: --json names all", "", "")
    notes().print(table)
