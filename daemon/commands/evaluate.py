"""``vigil evaluate``: profiles and footage with truth -> figures and a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import msgspec

from daemon.commands.footage import partial
from daemon.commands.outputs import require_places
from daemon.commands.terminal import progress_bar, results, write_json
from daemon.errors import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateOptions:
    """The command's arguments."""

    truths: Sequence[str]
    profiles: Sequence[Path]
    out: Path
    figures: Path | None = None
    fps: float | None = None
    study: bool = False
    across: bool = True
    as_json: bool = False


def evaluate(options: EvaluateOptions) -> None:
    """Judge every profile on every set of footage; write the report and the figures.

    Raises `SettingsError` for arguments and where the `evaluate` extra is missing, `TruthError` for truth that is
    missing or malformed, `ProfileError` and `SourceError` for what cannot be read.
    """
    if find_spec("sklearn") is None:
        raise SettingsError("evaluation needs scikit-learn: pip install 'vigil[evaluate]'")
    _check(options)
    # What follows needs the extra, which the other commands do without.
    from daemon.commands.comparison import compare  # noqa: PLC0415
    from daemon.commands.figures_table import tell  # noqa: PLC0415
    from engines.evaluation.report import render  # noqa: PLC0415

    with progress_bar() as bar:
        report = compare(options.profiles, options.truths, options.fps, bar, study=options.study, across=options.across)
    _write(options.out, render(report))
    if options.figures:
        _write(options.figures, msgspec.json.format(msgspec.json.encode(report.evaluation)).decode() + "\n")
    if options.as_json:
        write_json(report.evaluation)
    else:
        tell(results(), report.evaluation, options.out)


def _check(options: EvaluateOptions) -> None:
    if not options.truths:
        raise SettingsError("no footage: name a truth file, clips with a truth, or pictures with masks")
    if not options.profiles:
        raise SettingsError("no profile: name one or several with --profile")
    require_places(options.out, options.figures)


def _write(path: Path, text: str) -> None:
    unfinished = partial(path)
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
