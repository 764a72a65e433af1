"""What a benchmark found, kept as JSON so that two can be compared."""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import msgspec

from daemon.errors import SettingsError
from daemon.version import installed_version
from engines.quoting import shortened

SCHEMA: Final = "vigil.bench/1"
_PACKAGES: Final = ("openvino", "av", "opencv-python-headless", "numpy", "pyzmq")


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured number."""

    name: str
    value: float
    unit: str = ""
    better: Literal["less", "more"] | None = None
    """Which way is better; None: neither, it only describes."""
    ratio: bool = False
    """A ratio against a baseline of the same run: means the same on another machine of the kind."""


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """What a figure is asked to reach."""

    row: str
    """The letter of the row in `benchmarks/README.md`."""
    what: str
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool:
        """Whether it is reached; what could not be measured is not."""
        low = -math.inf if self.least is None else self.least
        high = math.inf if self.most is None else self.most
        return low <= self.value <= high


class Series(msgspec.Struct, frozen=True):
    """A named curve."""

    name: str
    points: tuple[tuple[float, float], ...]


class Lines(msgspec.Struct, frozen=True, kw_only=True, tag="lines"):
    """A plot of curves."""

    title: str
    x: str
    y: str
    series: tuple[Series, ...]


class Bars(msgspec.Struct, frozen=True, kw_only=True, tag="bars"):
    """A plot of quantities side by side."""

    title: str
    unit: str
    items: tuple[tuple[str, float], ...]


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where it ran."""

    processor: str
    cores: int
    memory_gb: float
    system: str
    load: float
    """Average of the minute before, programs that wanted to run: what else was going on."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one benchmark."""

    schema: str = SCHEMA
    bench: str
    made: str
    quick: bool
    seconds: float
    machine: Machine
    versions: dict[str, str]
    figures: tuple[Figure, ...]
    bars: tuple[Bar, ...] = ()
    charts: tuple[Lines | Bars, ...] = ()
    notes: tuple[str, ...] = ()


class Found(msgspec.Struct, kw_only=True):
    """What a benchmark gathers while it runs."""

    figures: list[Figure] = msgspec.field(default_factory=list)
    bars: list[Bar] = msgspec.field(default_factory=list)
    charts: list[Lines | Bars] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)
    versions: dict[str, str] = msgspec.field(default_factory=dict)

    def add(
        self,
        name: str,
        value: float,
        unit: str = "",
        better: Literal["less", "more"] | None = None,
        *,
        ratio: bool = False,
    ) -> None:
        """Note a figure; what is not a number is left out."""
        if math.isfinite(value):
            self.figures.append(Figure(name=name, value=value, unit=unit, better=better, ratio=ratio))

    def result(self, bench: str, machine: Machine, seconds: float, *, quick: bool) -> Result:
        """Close the book."""
        return Result(
            bench=bench,
            made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            quick=quick,
            seconds=round(seconds, 1),
            machine=machine,
            versions=_versions() | self.versions,
            figures=tuple(self.figures),
            bars=tuple(self.bars),
            charts=tuple(self.charts),
            notes=tuple(self.notes),
        )


def this_machine() -> Machine:
    """Describe the machine and how busy it is now."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return Machine(
        processor=_processor(),
        cores=cores(),
        memory_gb=round(memory, 1),
        system=platform.platform(terse=True),
        load=round(os.getloadavg()[0], 2),
    )


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def save(result: Result, path: Path) -> None:
    """Write it. Raises `SettingsError` when that cannot be."""
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {error.strerror}") from error


def load(path: Path) -> Result:
    """Read what `save` wrote. Raises `SettingsError` when it is something else."""
    try:
        result = msgspec.json.decode(path.read_bytes(), type=Result)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise SettingsError(f"{path}: is not what vigil bench writes: {shortened(error)}") from error
    if result.schema != SCHEMA:
        raise SettingsError(f"{path}: is {result.schema}, this version reads {SCHEMA}")
    return result


def _versions() -> dict[str, str]:
    found = {"vigil": installed_version(), "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
