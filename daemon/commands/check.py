"""``vigil check``: would the daemon run with these settings, and do the cameras answer?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import msgspec
from rich.markup import escape
from rich.table import Table

from daemon.commands.terminal import notes, results, write_json
from daemon.config import Camera, Config, engine_settings, load_config
from daemon.errors import EXIT_FAILED, EXIT_OK
from engines.errors import VigilError
from engines.network.files import Network
from engines.profile import Profile
from engines.runtime.parity import Agreement
from engines.runtime.select import EngineSettings, try_engines
from engines.zoning import Hidden
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.zones import hidden_by

_AT_ONCE = 32


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of one camera."""

    camera: str
    source: str
    profile: str = ""
    threshold: float | None = None
    answered_in_s: float | None = None
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    """What is no problem, yet worth to know."""


class EngineFinding(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an engine agrees with float32, on pictures made by rule."""

    network: str
    engine: str
    """Its runtime and precision."""
    told: str
    problem: str = ""
    """Why it could not be tried at all. That it may not serve is no problem: the next precision does."""


def check(path: Path, *, as_json: bool) -> int:
    """Look at the settings, the engines and every camera; returns the exit code. Raises `SettingsError`."""
    config = load_config(path)
    with ThreadPoolExecutor(_AT_ONCE) as pool, notes().status(f"asking {len(config.cameras)} cameras"):
        findings = list(pool.map(_look_at, config.cameras))
    engines = _engines(config)
    ill = bool(_problems(findings)) or any(each.problem for each in engines)
    if as_json:
        write_json({"file": str(path), "ok": not ill, "cameras": findings, "engines": engines})
    else:
        _tell(path, findings)
        _tell_engines(engines)
    return EXIT_FAILED if ill else EXIT_OK


def _engines(config: Config) -> list[EngineFinding]:
    """Every engine that the settings allow and that is quick to build, for each network that a profile embeds."""
    networks: dict[str, Network] = {}
    for file in {camera.profile for camera in config.cameras}:
        with suppress(VigilError):  # the camera's own finding tells it
            network = Profile.load(file).network
            networks.setdefault(network.id, network)
    return [found for network in networks.values() for found in _tried(network, engine_settings(config))]


def _tried(network: Network, settings: EngineSettings) -> list[EngineFinding]:
    try:
        agreements = try_engines(network, settings)
    except VigilError as error:
        return [EngineFinding(network=network.id, engine=settings.runtime, told="", problem=str(error))]
    # The last is the reference, which agrees with itself.
    return [_found(each) for each in agreements[:-1]]


def _found(agreement: Agreement) -> EngineFinding:
    info, trouble = agreement.info, agreement.trouble()
    told = f"may not serve, the next precision does: {trouble}" if trouble else f"agrees with f32: {agreement.told()}"
    return EngineFinding(network=info.model, engine=f"{info.runtime} {info.precision}", told=told)


def _tell_engines(engines: Sequence[EngineFinding]) -> None:
    for each in engines:
        results().print(f"engine {each.engine}, network {each.network}: {each.problem or each.told}", markup=False)


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
        remarks=_unmasked(camera, profile) if profile else (),
    )


def _unmasked(camera: Camera, profile: Profile) -> tuple[str, ...]:
    """Whether something is shown that was behind a privacy mask while the camera was enrolled."""
    learnt = Hidden.from_arrays(profile.arrays)
    if learnt is None or not learnt.shows(hidden_by(camera.masks)):
        return ()
    return ("shows what a privacy mask hid when it was enrolled, which may raise alarms: enrol it again",)


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
            "\n".join(_told(found)),
        )
    results().print(table)
    failed = _problems(findings)
    results().print(f"{failed} of {len(findings)} cameras have a problem" if failed else "all is well")


def _told(found: Finding) -> list[str]:
    verdict = [f"[red]{escape(problem)}[/]" for problem in found.problems] or ["[green]ok[/]"]
    return verdict + [f"[yellow]{escape(remark)}[/]" for remark in found.remarks]
