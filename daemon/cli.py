"""The `vigil` command: arguments in, exit codes out.

0 done, 1 failed while running, 2 a usage, settings or profile error, 130 interrupted from the keyboard. Results go to
stdout; progress, logs and errors to stderr. What the commands do is in `daemon.commands`, imported when called for, so
that help comes at once.
"""

# ruff: noqa: PLC0415, PLR0913 - commands are imported when called for; a command has as many options as it has
from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from daemon import hiding
from daemon.commands.bench import app as bench
from daemon.commands.events import app as events
from daemon.commands.keys import app as keys
from daemon.errors import exit_code
from engines.errors import VigilError
from pipelines.redact import redact


class _Commands(TyperGroup):
    """All commands; what they say of wrong arguments holds no password that stands in one."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except TyperException as error:
            if isinstance(message := getattr(error, "message", None), str):
                error.message = redact(message)
            raise


app = typer.Typer(
    cls=_Commands,
    name="vigil",
    help="Watch cameras: learn what is normal at each place of a view, and raise an alert when something is not.",
    epilog="Exit codes: 0 done, 1 failed while running, 2 usage, settings or profile error, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(bench, name="bench")
app.add_typer(events, name="events")
app.add_typer(keys, name="keys")
profiles = typer.Typer(help="The profile of a camera.", no_args_is_help=True)
app.add_typer(profiles, name="profile")

Config = Annotated[
    Path, typer.Option("--config", "-c", help="The settings file.", metavar="vigil.toml", dir_okay=False)
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to stdout, for programs.")]
Fps = Annotated[
    float | None,
    typer.Option("--fps", min=0.1, max=240, help="Frames used a second; makes a film of a folder of pictures."),
]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    # Its matrices are small: threads of BLAS would only spin beside the decoders. Numpy is not imported yet.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    hiding.crash_without_secrets()
    try:
        app(args=hiding.arguments() if arguments is None else list(arguments))
    except VigilError as error:
        typer.echo(f"vigil: {redact(str(error))}", err=True)
        sys.exit(exit_code(error))
    sys.exit(0)


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
        float, typer.Option(min=0.001, max=10_000, help="False alarms a day to aim the threshold at.", metavar="X")
    ] = 1.0,
    network: Annotated[
        Path | None, typer.Option(help="A network of your own, the folder that train wrote.", metavar="DIR")
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
            as_json=as_json,
            network=network,
        )
    )


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
            as_json=as_json,
        )
    )


@app.command()
def run(
    *,
    config: Config = Path("vigil.toml"),
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log at debug level.")] = False,
) -> None:
    """Watch the cameras of a settings file until told to stop."""
    from daemon.commands.run import run

    raise typer.Exit(run(config, verbose=verbose))


@app.command()
def check(*, config: Config = Path("vigil.toml"), as_json: Json = False) -> None:
    """Look over settings, profiles and cameras without starting; exit code 1 when something fails."""
    from daemon.commands.check import check

    raise typer.Exit(check(config, as_json=as_json))


@app.command()
def subscribe(
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="Such as tcp://127.0.0.1:5557.")],
    *,
    camera: Annotated[str | None, typer.Option(help="Listen to one camera only.", metavar="NAME")] = None,
    save: Annotated[Path | None, typer.Option(help="Keep the pictures in a folder.", metavar="DIR")] = None,
    as_json: Json = False,
    first: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Begin with an alert: its number in this run, RUN:NUMBER, or start for all that are kept.",
            metavar="ALERT",
        ),
    ] = None,
    replay: Annotated[
        str, typer.Option(help="Where to ask for what was missed: an endpoint, auto, or off.", metavar="ENDPOINT")
    ] = "auto",
    count: Annotated[int | None, typer.Option(min=1, help="Leave after so many alerts.", metavar="N")] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0.1, help="Fail when nothing comes for so many seconds.", metavar="S")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="Your key, where the daemon asks for one.", metavar="NAME.key_secret")
    ] = None,
    server_key: Annotated[
        Path | None, typer.Option(help="The daemon's public key, if yours does not name it.", metavar="server.key")
    ] = None,
) -> None:
    """Print alerts as they come: the reference subscriber."""
    from daemon.commands.subscribe import SubscribeOptions, subscribe

    subscribe(
        SubscribeOptions(
            endpoint,
            camera=camera,
            save=save,
            as_json=as_json,
            first=first,
            replay=replay,
            count=count,
            timeout_s=timeout,
            key=key,
            server_key=server_key,
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


@app.command()
def doctor(
    *,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            help="The settings file of the daemon to look at; else vigil.toml here or in /etc/vigil, if there is one.",
            metavar="vigil.toml",
            dir_okay=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell what this machine has, which engine would run and why, and what ails a daemon."""
    from daemon.commands.doctor import doctor

    raise typer.Exit(doctor(config, as_json=as_json))


@profiles.command()
def rollback(
    camera: Annotated[str, typer.Argument(metavar="CAMERA", help="Whose profile.")],
    *,
    config: Config = Path("vigil.toml"),
) -> None:
    """Put a camera's previous profile back in its place; a running daemon takes it at once."""
    from daemon.commands.profile import rollback

    rollback(config, camera)


@app.command()
def demo(
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the pictures go.", metavar="DIR")] = Path(
        "demo-output"
    ),
    keep: Annotated[bool, typer.Option("--keep", help="Leave daemon and cameras running until Ctrl-C.")] = False,
) -> None:
    """See it all work: generated cameras are served, learnt, watched, and their alerts shown."""
    from daemon.demo import main as show

    raise typer.Exit(show(out, keep=keep))


@app.command()
def version() -> None:
    """Print the version."""
    from daemon.version import installed_version

    typer.echo(f"vigil {installed_version()}")
