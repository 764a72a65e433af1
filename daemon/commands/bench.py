# ruff: noqa: PLC0415, PLR0913 - imported when called for, so that help comes at once; a command has many options
"""``vigil bench``: what this machine can do with Vigil. Figures to stdout; JSON and plots into files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Measure engine, ingest and the whole daemon on this machine; compare two runs.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="Keep the figures, and a plot beside them.", metavar="FILE.json")
]
Quick = Annotated[bool, typer.Option("--quick", help="Rough figures in a fraction of the time.")]
Work = Annotated[
    Path | None, typer.Option(help="Where generated footage is kept, to be used again.", metavar="DIR", file_okay=False)
]
Cameras = Annotated[int | None, typer.Option(min=1, max=256, help="In place of the usual number.", metavar="N")]
Minutes = Annotated[float | None, typer.Option(min=0.1, help="How long each run is watched.", metavar="N")]
Extra = Annotated[
    Path | None, typer.Option("--settings", help="More settings for the daemon, but no cameras.", metavar="FILE.toml")
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to stdout, for programs.")]


@app.command()
def engine(*, quick: Quick = False, out: Out = None, as_json: Json = False) -> None:
    """Milliseconds a frame, and the share of what the processor can do. 2 minutes; quick: 10 s."""
    from daemon.bench.running import Options, measure

    measure("engine", Options(quick=quick, out=out, as_json=as_json))


@app.command()
def ingest(*, quick: Quick = False, work: Work = None, out: Out = None, as_json: Json = False) -> None:
    """Reading cameras, against decoding alone. 2 minutes, at first 2 more for footage; quick: 20 s."""
    from daemon.bench.running import Options, measure

    measure("ingest", Options(quick=quick, work=work, out=out, as_json=as_json))


@app.command()
def streams(
    *,
    cameras: Cameras = None,
    minutes: Minutes = None,
    settings: Extra = None,
    quick: Quick = False,
    work: Work = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Busy cameras, 14 a core: latency, memory, cores used. 3 minutes, at first 8 more for footage; quick: 1."""
    _live("streams", cameras, minutes, settings, quick=quick, work=work, out=out, as_json=as_json)


@app.command()
def still(
    *,
    cameras: Cameras = None,
    minutes: Minutes = None,
    settings: Extra = None,
    quick: Quick = False,
    work: Work = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Cameras of which nine in ten are still, 32 a core: what the change gate saves. 6 minutes; quick: 2."""
    _live("still", cameras, minutes, settings, quick=quick, work=work, out=out, as_json=as_json)


@app.command()
def scaling(
    *,
    cameras: Cameras = None,
    minutes: Minutes = None,
    settings: Extra = None,
    quick: Quick = False,
    work: Work = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """From 1 to 64 cameras: cores, memory, latency, frames analysed. 7 minutes; quick: 2."""
    _live("scaling", cameras, minutes, settings, quick=quick, work=work, out=out, as_json=as_json)


@app.command()
def load(
    *,
    cameras: Cameras = None,
    minutes: Minutes = None,
    settings: Extra = None,
    quick: Quick = False,
    work: Work = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Latency at 50, 90 and 120 % of what the machine can take. 17 minutes; quick: 2."""
    _live("load", cameras, minutes, settings, quick=quick, work=work, out=out, as_json=as_json)


@app.command(name="all")
def all_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="One JSON file and one plot a benchmark go here.")],
    *,
    quick: Quick = False,
    work: Work = None,
    as_json: Json = False,
) -> None:
    """Every benchmark one after the other: 37 minutes; quick: 8."""
    from daemon.bench.running import Options, measure_all

    measure_all(Options(quick=quick, work=work, as_json=as_json), folder)


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(metavar="BEFORE.json")],
    after: Annotated[Path, typer.Argument(metavar="AFTER.json")],
    *,
    tolerance: Annotated[
        float, typer.Option(min=0.0, max=10.0, help="Figures closer than this share are the same.", metavar="X")
    ] = 0.1,
    fail: Annotated[bool, typer.Option("--fail", help="Exit code 1 when a figure is worse or gone.")] = False,
    as_json: Json = False,
) -> None:
    """Two runs of one benchmark side by side. On different machines only ratios within a run are judged."""
    from daemon.bench.compare import compare, regressed
    from daemon.bench.figures import load
    from daemon.bench.running import tell_comparison
    from daemon.commands.terminal import write_json

    rows = compare(load(before), load(after), tolerance)
    if as_json:
        write_json(rows)
    else:
        tell_comparison(rows)
    raise typer.Exit(1 if fail and regressed(rows) else 0)


@app.command()
def plot(
    figures: Annotated[Path, typer.Argument(metavar="FILE.json", help="What a benchmark kept.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="The picture.", metavar="FILE.svg")],
) -> None:
    """Draw the plots of a run anew."""
    from daemon.bench.figures import load
    from daemon.bench.plot import draw

    out.write_text(draw(load(figures)) + "\n", encoding="utf-8")


def _live(
    name: str,
    cameras: int | None,
    minutes: float | None,
    settings: Path | None,
    *,
    quick: bool,
    work: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    from daemon.bench.running import Options, measure

    measure(
        name,
        Options(quick=quick, work=work, out=out, as_json=as_json, cameras=cameras, minutes=minutes, settings=settings),
    )
