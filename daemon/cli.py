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
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from daemon import hiding
from daemon.commands.bench import app as bench
from daemon.commands.events import app as events
from daemon.commands.keys import app as keys
from daemon.errors import exit_code
from daemon.footage_cli import app as footage
from daemon.options import Config, Json
from engines.errors import VigilError
from pipelines.redact import redact

_ORDER: Final = ("enrol", "score", "evaluate", "run", "check", "subscribe", "train", "quantise")
"""The others follow, as they come."""


class _Commands(TyperGroup):
    """All commands; what they say of wrong arguments holds no password that stands in one."""

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order in which people need them, not that of the files that they are in."""
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))

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
app.add_typer(footage)
app.add_typer(bench, name="bench")
app.add_typer(events, name="events")
app.add_typer(keys, name="keys")
profiles = typer.Typer(help="The profile of a camera.", no_args_is_help=True)
app.add_typer(profiles, name="profile")


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
