# ruff: noqa: PLC0415 - imported when called for, so that help comes at once
"""``vigil keys``: who may connect to the ZeroMQ sockets. The daemon takes changes up within a second."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Keys of those who may subscribe: make, allow, list, revoke. They count at once, without a restart.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Folder = Annotated[
    Path,
    typer.Option("--keys", "-k", help="The folder that publish.keys names.", metavar="DIR", file_okay=False),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Whose key: letters, digits, - or _.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to stdout, for programs.")]


@app.command()
def new(
    name: Name,
    *,
    keys: Folder = Path("keys"),
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The secret, for the subscriber alone.", metavar="NAME.key_secret"),
    ] = None,
) -> None:
    """Make a key for a subscriber and let it in; the first time, the daemon's own too."""
    from daemon.commands.keyring import new

    new(name, keys, out or Path(f"{name}.key_secret"))


@app.command()
def allow(
    name: Name,
    public: Annotated[Path, typer.Argument(metavar="FILE.key", help="The public key that a subscriber made itself.")],
    *,
    keys: Folder = Path("keys"),
) -> None:
    """Let in a subscriber that made its key itself, so that its secret need never travel."""
    from daemon.commands.keyring import allow

    allow(name, public, keys)


@app.command(name="list")
def list_(*, keys: Folder = Path("keys"), as_json: Json = False) -> None:
    """Show who may connect, and who may no longer."""
    from daemon.commands.keyring import show

    show(keys, as_json=as_json)


@app.command()
def revoke(name: Name, *, keys: Folder = Path("keys")) -> None:
    """Let a key in no more; who is connected with it is cut off within a second."""
    from daemon.commands.keyring import revoke

    revoke(name, keys)
