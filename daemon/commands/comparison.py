"""Goes through profiles and footage, and gathers what the report of an evaluation shows. Needs the `evaluate` extra."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from rich.progress import Progress as Bar

from daemon.commands.gallery import Gallery
from daemon.commands.judging import Judge, Task, judge_clip
from daemon.commands.labelled import FootageSet, labelled
from daemon.commands.study import Windows, study_clip
from daemon.errors import SettingsError
from daemon.version import installed_version
from engines.contract import Engine
from engines.evaluation.alarms import EventRule
from engines.evaluation.charts import Timeline
from engines.evaluation.figures import CrossRow, Evaluation, Figures, ShiftRow
from engines.evaluation.judge import cross_row, figures, shift_row
from engines.evaluation.pooled import outcome
from engines.evaluation.record import ClipRecord
from engines.evaluation.report import Detail, Report
from engines.evaluation.shifts import shifts_for
from engines.evaluation.truthfile import TruthError
from engines.profile import Profile
from engines.runtime.select import EngineSettings, select_engine
from pipelines.events import EventSettings


def compare(
    profiles: Sequence[Path], truths: Sequence[str], fps: float | None, bar: Bar, *, study: bool, across: bool
) -> Report:
    """Judge every profile on every set of footage.

    With as many profiles as sets, the first profile belongs to the first set and so on: these pairs are reported in
    full, the others in the table across scenes only, or not judged unless `across`. Otherwise all pairs are reported in
    full.
    """
    sets = _named_apart(_labelled(truths))
    loaded = dict(zip(_names(profiles), (Profile.load(path) for path in profiles), strict=True))
    with ExitStack() as stack:
        bench = _Bench(stack, fps, bar, study=study, across=across)
        bench.run(loaded, sets)
        evaluation = bench.evaluation()
    return Report(evaluation, bench.details, [(name, _describe(profile)) for name, profile in loaded.items()])


def event_rule(settings: EventSettings) -> EventRule:
    """The part of the daemon's settings that says when flagged frames make an event."""
    return EventRule(settings.min_frames, settings.release_ratio, settings.cooldown_s)


def _labelled(truths: Sequence[str]) -> list[FootageSet]:
    try:
        return [labelled(text) for text in truths]
    except TruthError as error:
        raise SettingsError(str(error)) from error


def _names(paths: Sequence[Path]) -> list[str]:
    """What profiles are called: their stems, or whole paths where stems are not enough."""
    stems = [path.stem for path in paths]
    names = stems if len(set(stems)) == len(stems) else [str(path) for path in paths]
    if len(set(names)) != len(names):
        raise SettingsError("a profile is named twice: name each once")
    return names


def _named_apart(sets: Sequence[FootageSet]) -> list[FootageSet]:
    seen: dict[str, int] = {}
    apart = []
    for one in sets:
        seen[one.name] = seen.get(one.name, 0) + 1
        name = one.name if seen[one.name] == 1 else f"{one.name} ({seen[one.name]})"
        apart.append(FootageSet(name, one.clips))
    return apart


def _describe(profile: Profile) -> str:
    told = profile.provenance
    frames, made = told.get("frames", {}).get("learnt"), told.get("made")
    words = [f"profile {profile.id}", f"network {profile.network.id}", f"threshold {profile.threshold:.2f}"]
    words += [f"{frames} frames learnt"] if frames else []
    words += [f"made {made}"] if made else []
    return ", ".join(words)


class _Bench:
    """Engines are closed and maps released with `stack`."""

    def __init__(self, stack: ExitStack, fps: float | None, bar: Bar, *, study: bool, across: bool) -> None:
        self._stack, self._fps, self._bar, self._study, self._across = stack, fps, bar, study, across
        self._rule = event_rule(EventSettings())
        self._engines: dict[str, Engine] = {}
        self._homes: list[ClipRecord] = []
        self._together: Figures | None = None
        self.details: list[Detail] = []
        self.cross: list[CrossRow] = []
        self.shifts: list[ShiftRow] = []

    def run(self, profiles: dict[str, Profile], sets: Sequence[FootageSet]) -> None:
        paired = len(profiles) == len(sets)
        for number, (name, profile) in enumerate(profiles.items()):
            judge = Judge.of(self._engine(profile), profile)
            for place, footage in enumerate(sets):
                if not paired or number == place:
                    self._home(name, judge, footage, told=paired and len(sets) > 1)
                elif self._across:
                    self._away(name, judge, footage)
        if len(self.details) > 1 and (paired or len(profiles) == 1):
            self._together = figures("all", ", ".join(profiles), self._homes, self._rule)

    def evaluation(self) -> Evaluation:
        return Evaluation(
            vigil=installed_version(),
            made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            sets=tuple(detail.figures for detail in self.details),
            together=self._together,
            cross=tuple(self.cross) if self._across and len(self.cross) > 1 else (),
            shifts=tuple(self.shifts),
        )

    def _engine(self, profile: Profile) -> Engine:
        """One open engine for each network."""
        network = profile.network.id
        if network not in self._engines:
            engine = select_engine(profile.network, EngineSettings())
            self._stack.callback(engine.close)
            engine.open()
            self._engines[network] = engine
        return self._engines[network]

    def _home(self, name: str, judge: Judge, footage: FootageSet, *, told: bool) -> None:
        gallery = Gallery()
        records = self._records(judge, footage, Task(self._fps, self._bar), gallery)
        self._homes += records
        found = figures(footage.name, name, records, self._rule)
        self.cross.append(cross_row(name, footage.name, records, self._rule, home=told))
        self.details.append(
            Detail(
                found,
                [(record.name, _timeline(record, self._rule)) for record in records],
                gallery.best(),
                gallery.worst(),
                gallery.highest_normal(),
            )
        )
        if self._study:
            self._shift(judge, footage, found)

    def _away(self, name: str, judge: Judge, footage: FootageSet) -> None:
        records = self._records(judge, footage, Task(self._fps, self._bar, keep_maps=False))
        self.cross.append(cross_row(name, footage.name, records, self._rule, home=False))

    def _shift(self, judge: Judge, footage: FootageSet, found: Figures) -> None:
        shifts, windows, task = shifts_for(still=found.still), Windows.of(found.frames), Task(self._fps, self._bar)
        studied = [study_clip(judge, clip, task, shifts, windows) for clip in footage.clips]
        for shift, records in zip(shifts, zip(*studied, strict=True), strict=True):
            seen = [record for record in records if record.times_s]
            self.shifts.append(shift_row(footage.name, shift.name, shift.label, seen, self._rule))

    def _records(
        self, judge: Judge, footage: FootageSet, task: Task, gallery: Gallery | None = None
    ) -> list[ClipRecord]:
        records = []
        for clip in footage.clips:
            record = judge_clip(judge, clip, task, gallery)
            self._stack.callback(record.close)
            records.append(record)
        return records


def _timeline(record: ClipRecord, rule: EventRule) -> Timeline:
    alarms = outcome(record, rule)
    return Timeline(
        record.time, record.score, record.state, record.threshold, alarms.events, alarms.false, record.still
    )
