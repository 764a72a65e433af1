"""``vigil enrol``: normal footage -> a profile."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.markup import escape
from rich.progress import Progress as Bar
from rich.table import Table

from daemon.commands.footage import batches, digest_of, samples, source_of
from daemon.commands.outputs import can_be_a_file
from daemon.commands.profile import keep_previous
from daemon.commands.promise import choices, choices_told, promise, told
from daemon.commands.terminal import notes, progress_bar, results, write_json
from daemon.errors import SettingsError
from daemon.one_camera import OneCamera, one_camera
from engines.contract import Engine, Progress
from engines.enrolment import Enrolled, Enrolment, EnrolmentSettings
from engines.network.files import Network, shared_network
from engines.quoting import shortened
from engines.runtime.select import EngineSettings, select_engine
from pipelines.errors import SourceError, SourceLost
from pipelines.masks import Curtain, Masks
from pipelines.sources.open import clips_of
from pipelines.sources.source import Sample, Source
from pipelines.sources.spec import SourceSpec, parse_source, read_sources_file

_SHOWN = 10
_PATIENCE_S = 60.0
"""A live source that was lost may take so long to come back before the work is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolOptions:
    """The command's arguments."""

    sources: Sequence[str]
    sources_file: Path | None
    out: Path
    minutes: float | None
    fps: float | None
    as_json: bool
    false_alarms_per_day: float | None = None
    """None is the default; so it is below."""
    false_alarm_share: float | None = None
    network: Path | None = None
    """A folder that `vigil train` wrote; None is the network that ships."""
    config: Path = Path("vigil.toml")
    camera: str | None = None
    """A camera of those settings, behind whose privacy masks all is learnt."""


def enrol(options: EnrolOptions, progress: Bar | None = None) -> None:
    """Learn from the sources in order and write the profile; says what was left out. `progress` shows how far it is.

    Raises `SettingsError` for arguments, `SourceError` for footage that cannot be read, `EnrolmentError` for footage
    that is no basis for a profile, `EngineError` for a network that cannot be read.
    """
    camera = None if options.camera is None else one_camera(options.config, options.camera)
    masks = None if camera is None else Masks.of(camera.masks)
    specs = _specs(options, camera)
    _require_writable(options.out)
    network = shared_network() if options.network is None else Network.load(options.network)
    engine = select_engine(network, EngineSettings())
    with closing(engine), progress or progress_bar() as bar:
        engine.open()
        enrolment = Enrolment(engine, network, _settings(options), None if masks is None else masks.hidden)
        learner = _Learner(options, engine, enrolment, Curtain(masks), bar)
        for spec in bar.track(specs, description="sources"):
            learner.learn(spec)
        enrolled = _fit(enrolment, bar)
    keep_previous(options.out)
    enrolled.profile.save(options.out)
    if options.as_json:
        write_json(_summary(options, enrolled, learner.frames))
    else:
        _tell(options, enrolled, learner.frames)


def _settings(options: EnrolOptions) -> EnrolmentSettings:
    per_picture = options.false_alarm_share
    if options.false_alarms_per_day is None:
        return EnrolmentSettings(false_alarm_share=per_picture)
    return EnrolmentSettings(false_alarms_per_day=options.false_alarms_per_day, false_alarm_share=per_picture)


def _specs(options: EnrolOptions, camera: OneCamera | None) -> list[SourceSpec]:
    try:
        specs = [parse_source(text) for text in options.sources]
        specs += read_sources_file(options.sources_file) if options.sources_file else []
        if camera is not None and not specs:
            specs = [camera.source]
        specs = [clip for spec in specs for clip in _clips(spec)]
    except SourceError as error:
        raise SettingsError(str(error)) from None
    if not specs:
        raise SettingsError("no footage: name sources, a list of them with --sources-file, or a --camera of --config")
    for spec in specs:
        if spec.live and options.minutes is None:
            raise SettingsError(f"{spec.label} is live and does not end: say how much of it to use with --minutes")
    return specs


def _require_writable(out: Path) -> None:
    """Fail before the long work and not after it."""
    if not can_be_a_file(out) or not os.access(out.parent, os.W_OK):
        raise SettingsError(f"--out {shortened(out)}: expected a file in a folder that exists and can be written to")


def _clips(spec: SourceSpec) -> list[SourceSpec]:
    """A folder of clips as its clips, so that people are told which is odd; a stretch of it is refused on opening."""
    whole = spec.start_s == 0 and spec.end_s is None
    return clips_of(spec) if whole else [spec]


class _Learner:
    """Feeds sources to an enrolment, and counts the frames."""

    def __init__(self, options: EnrolOptions, engine: Engine, enrolment: Enrolment, curtain: Curtain, bar: Bar) -> None:
        self._curtain = curtain
        self.frames = 0
        self._options = options
        self._wanted_s = None if options.minutes is None else options.minutes * 60
        self._input_size = engine.spec.input_size
        self._enrolment = enrolment
        self._bar = bar
        self._digests: dict[str, str | None] = {}
        """By location: a file may be named once for each of its stretches."""

    def learn(self, spec: SourceSpec) -> None:
        """Take in one source; a live one that is lost on the way is taken up again, as a stretch of its own."""
        before, learnt_s = self.frames, 0.0
        task = self._bar.add_task(Path(spec.label).name or spec.label, total=None)
        lost: SourceLost | None = None
        while True:
            source = self._open(spec, patient=lost is not None)
            try:
                for batch in batches(samples(source, self._left_s(learnt_s))):
                    learnt_s += self._add(spec, source, batch)
                    self._bar.update(task, completed=self.frames - before, total=self._total(source))
                break
            except SourceLost as error:
                if not spec.live or self.frames == before:
                    raise
                lost = error
                notes().print(f"[yellow]note:[/] {escape(str(error))}; trying again")
        self._bar.remove_task(task)
        if self.frames == before:
            raise SourceError(f"{spec.label}: no frame in it; check the source and its stretch")

    def _left_s(self, learnt_s: float) -> float | None:
        return None if self._wanted_s is None else max(self._wanted_s - learnt_s, 0.0)

    def _total(self, source: Source) -> int | None:
        return source.size_hint if self._wanted_s is None else None

    def _open(self, spec: SourceSpec, *, patient: bool) -> Source:
        give_up = time.monotonic() + (_PATIENCE_S if patient else 0)
        while True:
            try:
                source = self._curtain.before(source_of(spec, self._options.fps, self._input_size))
                break
            except SourceLost:
                if time.monotonic() >= give_up:
                    raise
                time.sleep(1)
        if wrong := _misplaced(self._options, still=source.still):
            source.close()
            raise SettingsError(f"{spec.label}: {wrong}")
        if spec.location not in self._digests:
            self._digests[spec.location] = digest_of(spec)
        self._part: int | None = None
        return source

    def _add(self, spec: SourceSpec, source: Source, batch: Sequence[Sample]) -> float:
        """Take in a batch; returns how far it took the stretch, in seconds."""
        if batch[0].part != self._part:
            self._part, self._reached_s = batch[0].part, batch[0].time_s
            self._enrolment.stretch(spec.label, still=source.still, sha256=self._digests[spec.location])
        self._enrolment.add([sample.time_s for sample in batch], np.stack([sample.pixels for sample in batch]))
        self.frames += len(batch)
        before_s, self._reached_s = self._reached_s, batch[-1].time_s
        return self._reached_s - before_s


def _misplaced(options: EnrolOptions, *, still: bool) -> str:
    """What of the options says nothing of such footage; empty if all does."""
    if still and options.minutes is not None:
        return "--minutes makes no sense for stills, which have no time"
    if still and options.false_alarms_per_day is not None:
        return "--false-alarms-per-day makes no sense for stills, which have no time: use --false-alarm-share"
    if not still and options.false_alarm_share is not None:
        return "--false-alarm-share is for unrelated stills: use --false-alarms-per-day"
    return ""


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
        "expected": {
            "per": "picture" if enrolled.profile.still else "day",
            **told(enrolled.budget),
        },
        **({"choices": choices_told(enrolled)} if enrolled.choices else {}),
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
        f"{escape(str(options.out))}: profile {profile.id} of {frames} frames, threshold {profile.threshold:.2f}"
    )
    results().print(promise(enrolled))
    if enrolled.choices:
        results().print(choices(enrolled))


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
