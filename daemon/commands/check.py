"""``vigil check``: would the daemon run with these settings, and do the cameras answer?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import msgspec
from rich.markup import escape
from rich.table import Table

from daemon.commands.terminal import notes, results, write_json
from daemon.config import Camera, load_config
from daemon.errors import EXIT_FAILED, EXIT_OK
from engines.errors import VigilError
from engines.profile import Profile
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings

_AT_ONCE = 32


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of one camera."""

    camera: str
    source: str
    profile: str = ""
    threshold: float | None = None
    answered_in_s: float | None = None
    problems: tuple[str, ...] = ()


def check(path: Path, *, as_json: bool) -> int:
    """Look at the settings and every camera, all at a time; returns the exit code. Raises `SettingsError`."""
    config = load_config(path)
    with ThreadPoolExecutor(_AT_ONCE) as pool, notes().status(f"asking {len(config.cameras)} cameras"):
        findings = list(pool.map(_look_at, config.cameras))
    if as_json:
        write_json({"file": str(path), "ok": not _problems(findings), "cameras": findings})
    else:
        _tell(path, findings)
    return EXIT_FAILED if _problems(findings) else EXIT_OK


def _problems(findings: Sequence[Finding]) -> int:
    return sum(bool(finding.problems) for finding in findings)


def _look_at(camera: Camera) -> Finding:
    problems: list[str] = []
    profile, answered_in_s = None, None
    input_size = (256, 256)
    try:
        profile = Profile.load(camera.profile)
        input_size = profile.network.spec.input_size
    except VigilError as error:
        problems.append(str(error))
    try:
        answered_in_s = _ask(camera, input_size)
    except VigilError as error:
        problems.append(str(error))
    return Finding(
        camera=camera.name,
        source=camera.source.label,
        profile=profile.id if profile else "",
        threshold=camera.threshold or (profile.threshold if profile else None),
        answered_in_s=answered_in_s,
        problems=tuple(problems),
    )


def _ask(camera: Camera, input_size: tuple[int, int]) -> float:
    """Seconds until the first frame."""
    began = time.monotonic()
    with closing(open_source(camera.source, SourceSettings(transport=camera.transport), input_size)) as source:
        source.open()
        if source.read() is None:
            raise VigilError(f"{camera.source.label}: no frame in it")
    return time.monotonic() - began


def _tell(path: Path, findings: Sequence[Finding]) -> None:
    table = Table(title=escape(str(path)), title_justify="left")
    for heading in ("camera", "source", "profile", "threshold", "first frame", "result"):
        table.add_column(
            heading, overflow="fold", justify="right" if heading in ("threshold", "first frame") else "left"
        )
    for found in findings:
        table.add_row(
            found.camera,
            escape(found.source),
            found.profile or "-",
            "-" if found.threshold is None else f"{found.threshold:.2f}",
            "-" if found.answered_in_s is None else f"{found.answered_in_s * 1000:.0f} ms",
            "\n".join(f"[red]{escape(problem)}[/]" for problem in found.problems) or "[green]ok[/]",
        )
    results().print(table)
    failed = _problems(findings)
    results().print(f"{failed} of {len(findings)} cameras have a problem" if failed else "all is well")
