"""Commands that take footage: they learn from it, or judge it."""

# ruff: noqa: PLC0415, PLR0913 - commands are imported when called for; a command has as many options as it has
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from daemon.options import Config, Fps, Json

app = typer.Typer()


@app.command()
def enrol(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE...",
            help="Normal footage: a URL, a video, a folder of pictures or clips, device:0. "
            "[dim]clip.avi#t=2.5,9[/] picks a stretch.",
            show_default=False,
        ),
    ] = None,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="The profile to write.", metavar="FILE.vigil")],
    sources_file: Annotated[
        Path | None, typer.Option(help="A list of sources, one a line, relative to itself.", metavar="LIST")
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(min=0.01, help="Take so much of each source; a live one needs it.", metavar="N"),
    ] = None,
    fps: Fps = None,
    false_alarms_per_day: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            max=10_000,
            help="False alarms a day to aim the threshold at. [dim]\\[default: 1][/]",
            metavar="X",
            show_default=False,
        ),
    ] = None,
    false_alarm_share: Annotated[
        float | None,
        typer.Option(
            min=0.0001,
            max=0.5,
            help="The same for unrelated stills: share of normal ones that may be flagged. [dim]\\[default: 0.01, or "
            "three of fewer than 300 pictures, 0.05 at most][/]",
            metavar="X",
            show_default=False,
        ),
    ] = None,
    network: Annotated[
        Path | None, typer.Option(help="A network of your own, the folder that train wrote.", metavar="DIR")
    ] = None,
    config: Config = Path("vigil.toml"),
    camera: Annotated[
        str | None,
        typer.Option(
            help="A camera of --config: what its privacy masks hide is not learnt, and without any SOURCE its own is "
            "taken.",
            metavar="NAME",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Learn what is normal from ordinary footage, into a profile."""
    from daemon.commands.enrol import EnrolOptions, enrol

    enrol(
        EnrolOptions(
            sources=tuple(sources or ()),
            sources_file=sources_file,
            out=out,
            minutes=minutes,
            fps=fps,
            false_alarms_per_day=false_alarms_per_day,
            false_alarm_share=false_alarm_share,
            as_json=as_json,
            network=network,
            config=config,
            camera=camera,
        )
    )


@app.command()
def snapshot(
    camera: Annotated[str, typer.Argument(metavar="CAMERA", help="Its name in the settings.")],
    *,
    config: Config = Path("vigil.toml"),
    out: Annotated[Path, typer.Option("--out", "-o", help="The picture to write.", metavar="FILE.jpg")],
    as_json: Json = False,
) -> None:
    """Save what a camera shows, with its zones, its masks and a grid from 0 to 1: to write a zone's corners by."""
    from daemon.commands.snapshot import snapshot

    snapshot(config, camera, out, as_json=as_json)


@app.command()
def score(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Footage to judge, as for enrol.")],
    *,
    profile: Annotated[Path, typer.Option("--profile", "-p", help="What enrol made.", metavar="FILE.vigil")],
    out: Annotated[Path, typer.Option("--out", "-o", help="One row for every frame.", metavar="scores.csv")],
    maps: Annotated[Path | None, typer.Option(help="Keep the maps of every frame.", metavar="FILE.npz")] = None,
    overlays: Annotated[Path | None, typer.Option(help="Draw flagged frames into a folder.", metavar="DIR")] = None,
    fps: Fps = None,
    as_json: Json = False,
) -> None:
    """Judge footage without the daemon: one row for every frame."""
    from daemon.commands.score import ScoreOptions, score

    score(ScoreOptions(source, profile=profile, out=out, maps=maps, overlays=overlays, fps=fps, as_json=as_json))


@app.command()
def evaluate(
    truths: Annotated[
        list[str],
        typer.Argument(
            metavar="TRUTH...",
            help="Footage with truth: a truth file (vigil.truth/1), clips with CLIP.truth.json beside them, or a "
            "folder of pictures with masks NAME.png beside NAME.jpg.",
            show_default=False,
        ),
    ],
    *,
    profiles: Annotated[
        list[Path],
        typer.Option("--profile", "-p", help="What enrol made; several are compared.", metavar="FILE.vigil"),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The report.", metavar="FILE.html")] = Path("report.html"),
    figures: Annotated[Path | None, typer.Option(help="Keep the figures as JSON.", metavar="FILE.json")] = None,
    fps: Fps = None,
    study: Annotated[
        bool, typer.Option("--study", help="Judge it all again under changed conditions; takes 18 times as long.")
    ] = False,
    across: Annotated[
        bool,
        typer.Option(
            "--across/--no-across",
            help="With a profile for each set of footage: judge it on the others too.",
        ),
    ] = True,
    as_json: Json = False,
) -> None:
    """Judge profiles on footage with truth: figures, and a report with pictures."""
    from daemon.commands.evaluate import EvaluateOptions, evaluate

    evaluate(
        EvaluateOptions(
            truths=tuple(truths),
            profiles=tuple(profiles),
            out=out,
            figures=figures,
            fps=fps,
            study=study,
            across=across,
            as_json=as_json,
        )
    )


@app.command()
def train(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE...",
            help="Footage to learn from besides what the recipe makes itself; without any, the generated scene.",
            show_default=False,
        ),
    ] = None,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the two ONNX files go.", metavar="DIR")],
    recipe: Annotated[
        Path | None, typer.Option(help="Another recipe than that of the network that ships.", metavar="recipe.toml")
    ] = None,
    work: Annotated[
        Path | None, typer.Option(help="Keep the checkpoint here, to go on after an interruption.", metavar="DIR")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a shared network; needs the `learn` extra. Enrolling a camera does not need this."""
    from daemon.commands.train import TrainOptions, train_command

    train_command(TrainOptions(sources=tuple(sources or ()), out=out, recipe=recipe, work=work, as_json=as_json))


@app.command()
def quantise(
    profile: Annotated[Path, typer.Argument(metavar="FILE.vigil", help="What enrol made.")],
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE...", help="Ordinary footage of the same camera.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="The profile to write.", metavar="FILE.vigil")],
    as_json: Json = False,
) -> None:
    """Add int8 to a profile's network, for processors without bf16; needs the `quantise` extra."""
    from daemon.commands.quantise import quantise

    quantise(profile, sources, out, as_json=as_json)
