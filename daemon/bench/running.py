"""Runs benchmarks one after the other and tells what they found."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from daemon.bench.compare import Row
from daemon.bench.engine import measure_engine
from daemon.bench.figures import Bar, Found, Machine, Result, save, this_machine
from daemon.bench.footage import Footage, default_folder
from daemon.bench.ingest import measure_ingest
from daemon.bench.live import Live, measure_load, measure_scaling, measure_still, measure_streams
from daemon.bench.plot import draw
from daemon.commands.terminal import notes, results, write_json
from daemon.errors import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The arguments that the benchmarks share."""

    quick: bool = False
    work: Path | None = None
    out: Path | None = None
    as_json: bool = False
    cameras: int | None = None
    minutes: float | None = None
    settings: Path | None = None


def measure(name: str, options: Options) -> None:
    """Run one benchmark. Raises `SettingsError` for arguments, `ChildFailed` when a process fails."""
    if options.out is not None and (options.out.is_dir() or not options.out.parent.is_dir()):
        raise SettingsError(f"{options.out}: expected a file in a folder that exists")
    finish(_measured(name, options), options.out, as_json=options.as_json)


def measure_all(options: Options, folder: Path) -> None:
    """Run every benchmark, each into a file of its own in `folder`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{folder}: cannot be made: {error.strerror}") from error
    for name in BENCHES:
        finish(_measured(name, options), folder / f"{name}.json", as_json=options.as_json)


def finish(result: Result, out: Path | None, *, as_json: bool) -> None:
    """Tell a result and keep it, with its plots beside it."""
    if as_json:
        write_json(result)
    else:
        tell(result)
    if out is not None:
        save(result, out)
        if result.charts:
            out.with_suffix(".svg").write_text(draw(result) + "\n", encoding="utf-8")


def say(text: str) -> None:
    """A line on stderr about what is going on."""
    notes().print(text, style="dim", markup=False)


def tell(result: Result) -> None:
    """Print the figures, and what of them is asked for."""
    console = results()
    machine = result.machine
    busy = f"load before {machine.load:g}"
    console.print(f"vigil bench {result.bench}: {machine.processor}, {machine.cores} cores, {busy}", markup=False)
    table = Table(box=None, pad_edge=False, show_header=False)
    for figure in result.figures:
        table.add_row(escape(figure.name), _number(figure.value), figure.unit)
    console.print(table)
    for note in result.notes:
        console.print(note, style="dim", markup=False)
    for bar in result.bars:
        console.print(_judged(bar))


def tell_comparison(rows: list[Row]) -> None:
    """Print two runs side by side."""
    colours = {"worse": "red", "only before": "red", "better": "green"}
    table = Table("figure", "before", "after", "ratio", "", box=None, pad_edge=False)
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.3f}"
        colour = colours.get(row.verdict, "default")
        verdict = f"[{colour}]{row.verdict}[/]"
        table.add_row(escape(row.name), _number(row.before), _number(row.after), ratio, verdict)
    results().print(table)


def _measured(name: str, options: Options) -> Result:
    found, machine, began = Found(), this_machine(), time.monotonic()
    _warn_busy(machine)
    BENCHES[name](found, options)
    return found.result(name, machine, time.monotonic() - began, quick=options.quick)


def _warn_busy(machine: Machine) -> None:
    if machine.load > 0.5 * machine.cores:
        say(
            f"the machine is busy (load {machine.load:g} on {machine.cores} cores): wall clock figures will be too slow"
        )


def _footage(options: Options) -> Footage:
    footage = Footage(options.work or default_folder(), say)
    footage.prepare()
    return footage


def _live(options: Options) -> Live:
    return Live(
        footage=_footage(options),
        quick=options.quick,
        say=say,
        cameras=options.cameras,
        minutes=options.minutes,
        extra=_read(options.settings),
    )


def _read(path: Path | None) -> str:
    try:
        return "" if path is None else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from error


def _engine(found: Found, options: Options) -> None:
    measure_engine(found, quick=options.quick, tell=say)


def _ingest(found: Found, options: Options) -> None:
    measure_ingest(found, _footage(options), quick=options.quick, tell=say)


BENCHES: Mapping[str, Callable[[Found, Options], None]] = {
    "engine": _engine,
    "ingest": _ingest,
    "streams": lambda found, options: measure_streams(found, _live(options)),
    "still": lambda found, options: measure_still(found, _live(options)),
    "scaling": lambda found, options: measure_scaling(found, _live(options)),
    "load": lambda found, options: measure_load(found, _live(options)),
}
"""Every benchmark by name, the quickest first."""


def _judged(bar: Bar) -> str:
    asked = f"at least {bar.least:g}" if bar.least is not None else f"at most {bar.most:g}"
    mark = "[green]met[/]" if bar.met else "[red]missed[/]"
    return f"{mark}  {bar.row}  {escape(bar.what)}: {_number(bar.value)}, asked {asked}"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
