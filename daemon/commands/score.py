"""``vigil score``: footage and a profile -> one row for every frame."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from daemon.commands.footage import BATCH, batches, partial, samples, source_of
from daemon.commands.outputs import require_places
from daemon.commands.terminal import progress_bar, results, write_json
from daemon.commands.verdicts import judge
from daemon.errors import SettingsError
from engines.contract import SIGNALS
from engines.detector import Detector
from engines.profile import Profile
from engines.runtime.select import EngineSettings, select_engine
from pipelines.errors import SourceError
from pipelines.overlay import Painter
from pipelines.regions import RegionSettings, propose_regions
from pipelines.sources.source import Source
from pipelines.sources.spec import SourceSpec, parse_source
from pipelines.types import Verdict

COLUMNS = ("frame", "time_s", "score", "threshold", "flagged", "uncertainty", *SIGNALS)


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """The command's arguments."""

    source: str
    profile: Path
    out: Path
    maps: Path | None = None
    overlays: Path | None = None
    fps: float | None = None
    as_json: bool = False


@dataclass(slots=True)
class _Tally:
    frames: int = 0
    flagged: int = 0
    peak: float = float("-inf")

    def count(self, verdict: Verdict) -> None:
        self.frames += 1
        self.flagged += verdict.flagged
        self.peak = max(self.peak, verdict.score)


def score(options: ScoreOptions) -> None:
    """Judge every frame of the source (or `fps` of them a second) and write the rows.

    Raises `SettingsError` for arguments, `ProfileError` and `SourceError` for what cannot be read.
    """
    spec = _spec(options)
    profile = Profile.load(options.profile)
    engine = select_engine(profile.network, EngineSettings())
    tally, maps = _Tally(), _Maps()
    with ExitStack() as stack:
        stack.callback(engine.close)
        engine.open()
        source = stack.enter_context(closing(source_of(spec, options.fps, engine.spec.input_size)))
        rows = stack.enter_context(_rows(options.out))
        painter = _Overlays(options.overlays) if options.overlays else None
        for verdict in _verdicts(spec, source, Detector(engine, {_camera(spec): profile}), profile):
            rows.writerow(_row(tally.frames, verdict))
            tally.count(verdict)
            if options.maps:
                maps.keep(verdict)
            if painter and verdict.flagged:
                painter.draw(tally.frames - 1, verdict)
        if tally.frames == 0:
            raise SourceError(f"{spec.label}: no frame in it; check the source and its stretch")
    if options.maps:
        maps.save(options.maps)
    _tell(options, tally)


def _spec(options: ScoreOptions) -> SourceSpec:
    require_places(options.out, options.maps)
    try:
        return parse_source(options.source)
    except SourceError as error:
        raise SettingsError(str(error)) from None


def _camera(spec: SourceSpec) -> str:
    """What the pictures call the footage."""
    return Path(spec.label.partition("#")[0]).stem or spec.label


def _verdicts(spec: SourceSpec, source: Source, detector: Detector, profile: Profile) -> Iterator[Verdict]:
    camera = _camera(spec)
    # Stills have nothing to do with each other, even for a profile that was learnt from film.
    alone = source.still and not profile.still
    part = 0
    with progress_bar() as bar:
        task = bar.add_task(camera, total=source.size_hint)
        for batch in batches(samples(source), 1 if alone else BATCH):
            if alone or batch[0].part != part:
                part = batch[0].part
                detector.forget(camera)
            yield from judge(detector, camera, batch)
            bar.update(task, advance=len(batch), total=source.size_hint)


def _row(number: int, verdict: Verdict) -> list[str]:
    """`frame` counts the rows from 0; a signal that has nothing to say yet, such as motion at first, is empty."""
    signals = [verdict.signals.get(name) for name in SIGNALS]
    return [
        str(number),
        f"{verdict.frame.time_s:.3f}",
        f"{verdict.score:.6g}",
        f"{verdict.threshold:.6g}",
        str(int(verdict.flagged)),
        f"{verdict.uncertainty:.6g}",
        *("" if value is None or not np.isfinite(value) else f"{value:.6g}" for value in signals),
    ]


@contextmanager
def _rows(path: Path) -> Iterator[Any]:
    """A CSV writer; the file takes its name when all rows are in it."""
    unfinished = partial(path)
    try:
        with unfinished.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            yield writer
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@dataclass(slots=True)
class _Maps:
    """The maps of every frame: `map` and one array a signal, float32 [N, h, w], beside `time_s` and `score` [N]."""

    columns: dict[str, list[Any]] = field(default_factory=dict)

    def keep(self, verdict: Verdict) -> None:
        whole = {"time_s": verdict.frame.time_s, "score": verdict.score, "map": verdict.map}
        for name, value in (*whole.items(), *verdict.signal_maps.items()):
            self.columns.setdefault(name, []).append(value)

    def save(self, path: Path) -> None:
        unfinished = partial(path)
        try:
            with unfinished.open("wb") as file:
                arrays: dict[str, Any] = {name: np.asarray(values) for name, values in self.columns.items()}
                np.savez_compressed(file, **arrays)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)


class _Overlays:
    """Draws flagged frames into a folder, named by their row."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._painter = Painter()

    def draw(self, number: int, verdict: Verdict) -> None:
        regions = propose_regions(
            verdict.map,
            verdict.signal_maps,
            verdict.threshold,
            flagged=verdict.flagged,
            settings=RegionSettings(),
        )
        pictures = self._painter.paint(verdict.frame.picture(), verdict, regions, None)
        (self._folder / f"{number:06d}.jpg").write_bytes(pictures.overlay_jpeg)


def _tell(options: ScoreOptions, tally: _Tally) -> None:
    if options.as_json:
        write_json({"out": str(options.out), "frames": tally.frames, "flagged": tally.flagged, "peak": tally.peak})
    else:
        results().print(
            f"{options.out}: {tally.frames} frames, {tally.flagged} flagged, highest score {tally.peak:.2f}",
            markup=False,
        )
