# ruff: noqa: PLC0415 - what may be broken is imported where its failure can be told
"""``vigil doctor``: what this machine has, which engine would run and why, and what ails the daemon."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from rich.markup import escape
from rich.table import Table

from daemon.commands.finding import Finding
from daemon.commands.symptoms import symptoms
from daemon.commands.terminal import results, write_json
from daemon.errors import EXIT_FAILED, EXIT_OK
from daemon.version import installed_version
from engines.errors import VigilError
from engines.runtime.core import openvino_core
from engines.runtime.parity import Agreement

_USUAL = (Path("vigil.toml"), Path("/etc/vigil/vigil.toml"))
_DECODERS = ("h264", "hevc", "av1", "mjpeg", "vp9")
_FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "bf16", "i8mm")


def doctor(config: Path | None, *, as_json: bool) -> int:
    """Print the report on this machine, and on the daemon of the settings file if one is given or found.

    Returns exit code 1 when there is a problem.
    """
    file = config or next((each for each in _USUAL if each.is_file()), None)
    findings = examine() + ([] if file is None else symptoms(file))
    ill = any(finding.state == "problem" for finding in findings)
    if as_json:
        write_json({"ok": not ill, "findings": findings})
    else:
        _tell(findings)
    return EXIT_FAILED if ill else EXIT_OK


def examine() -> list[Finding]:
    """Every finding, the machine first, the engine that would run last."""
    parts: tuple[Callable[[], list[Finding]], ...] = (
        _versions, _processor, _memory, _gpu, _packages, _decoders, _openvino, _name, _network, _engines, _parity,
    )  # fmt: skip
    return [finding for part in parts for finding in part()]


def _versions() -> list[Finding]:
    return [
        Finding("vigil", f"{installed_version()}, Python {platform.python_version()}, {platform.platform(terse=True)}")
    ]


def _processor() -> list[Finding]:
    fields = _colon_file(Path("/proc/cpuinfo"))
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    known = [name for name in _FEATURES if name in flags]
    cores = f"{len(os.sched_getaffinity(0))} of {os.cpu_count()} cores usable"
    return [
        Finding("processor", f"{fields.get('model name', platform.machine())}, {cores}"),
        Finding("processor features", ", ".join(known) or "none of those that matter"),
    ]


def _memory() -> list[Finding]:
    fields = _colon_file(Path("/proc/meminfo"))
    total, free = (int(fields.get(key, "0 kB").split()[0]) / 1024**2 for key in ("MemTotal", "MemAvailable"))
    state: Literal["ok", "problem"] = "ok" if free > 0.5 else "problem"
    return [Finding("memory", f"{total:.1f} GiB, {free:.1f} GiB available", state)]


def _gpu() -> list[Finding]:
    driver = Path("/proc/driver/nvidia/version")
    if not driver.exists():
        return [Finding("GPU", "no NVIDIA driver", "absent")]
    cards = [
        _colon_file(folder / "information").get("Model", "a card")
        for folder in sorted(Path("/proc/driver/nvidia/gpus").glob("*"))
    ]
    version = driver.read_text().splitlines()[0].partition(":")[2].split("  ")
    return [Finding("GPU", f"{', '.join(cards) or 'no card'}; {' '.join(' '.join(version).split())}")]


def _packages() -> list[Finding]:
    found = [_package(name, needed=True) for name in ("av", "opencv-python-headless", "openvino", "pyzmq")]
    return [*found, *(_package(name, needed=False) for name in ("torch", "tensorrt", "pycuda"))]


def _package(name: str, *, needed: bool) -> Finding:
    try:
        return Finding(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        if needed:
            return Finding(name, "not installed: pip install vigil again", "problem")
        return Finding(name, "not installed; optional", "absent")


def _decoders() -> list[Finding]:
    from av.codec import codecs_available

    missing = [name for name in _DECODERS if name not in codecs_available]
    there = ", ".join(name for name in _DECODERS if name not in missing)
    return [Finding("decoders", f"{there}; lacking {', '.join(missing)}" if missing else there)]


def _openvino() -> list[Finding]:
    try:
        core = openvino_core()
        devices = [f"{name}: {core.get_property(name, 'FULL_DEVICE_NAME')}" for name in core.available_devices]
    except (ImportError, RuntimeError) as error:
        return [Finding("OpenVINO devices", f"cannot start: {str(error).splitlines()[0]}", "problem")]
    return [Finding("OpenVINO devices", "; ".join(" ".join(device.split()) for device in devices))]


def _name() -> list[Finding]:
    """The package python-daemon owns the import name `daemon` too: whichever was installed last has won."""
    spec = importlib.util.find_spec("daemon")
    home = Path(__file__).parent.parent
    try:
        version = importlib.metadata.version("python-daemon")
    except importlib.metadata.PackageNotFoundError:
        return [Finding("import name daemon", f"Vigil's own, {spec.origin if spec else home}")]
    what = f"python-daemon {version} is installed beside Vigil and uses the same name: give Vigil its own environment"
    return [Finding("import name daemon", what, "problem")]


def _network() -> list[Finding]:
    from engines.network.files import shared_network

    try:
        network = shared_network()
    except VigilError as error:
        return [Finding("shared network", str(error), "problem")]
    height, width = network.spec.input_size
    size = (len(network.encoder) + len(network.decoder)) / 1e6
    return [Finding("shared network", f"{network.id}, {size:.1f} MB, input {width}x{height}")]


def _engines() -> list[Finding]:
    from engines.runtime.select import candidates

    found = candidates()
    chosen = next((each for each in found if each.usable), None)
    lines = [Finding(f"engine {each.runtime}", each.why, "ok" if each.usable else "absent") for each in found]
    if chosen is None:
        return [*lines, Finding("engine that would run", "none", "problem")]
    return [
        *lines,
        Finding("engine that would run", f"{chosen.runtime}: the fastest that is usable here ({chosen.why})"),
    ]


def _parity() -> list[Finding]:
    """What each engine that is quick to build makes of pictures made by rule, against float32."""
    from engines.network.files import shared_network
    from engines.runtime.select import EngineSettings, try_engines

    try:
        found = try_engines(shared_network(), EngineSettings())
    except VigilError as error:
        return [Finding("agreement with f32", str(error), "problem")]
    return [_agreement(each) for each in found[:-1]] or [Finding("agreement with f32", "f32 itself would run")]


def _agreement(agreement: Agreement) -> Finding:
    topic = f"{agreement.info.runtime} {agreement.info.precision} against f32"
    if trouble := agreement.trouble():
        return Finding(topic, f"it may not serve, the next precision will: {trouble}", "problem")
    return Finding(topic, f"agrees: {agreement.told()}")


def _colon_file(path: Path) -> dict[str, str]:
    """The first value of each ``key : value`` line."""
    fields: dict[str, str] = {}
    if path.exists():
        for line in path.read_text(errors="replace").splitlines():
            key, colon, value = line.partition(":")
            if colon:
                fields.setdefault(key.strip(), value.strip())
    return fields


def _tell(findings: list[Finding]) -> None:
    marks = {"ok": "[green]ok[/]", "absent": "[dim]-[/]", "problem": "[red]problem[/]"}
    table = Table(show_header=False, box=None, pad_edge=False)
    for finding in findings:
        table.add_row(marks[finding.state], finding.topic, escape(finding.found))
    results().print(table)
