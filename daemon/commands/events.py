# ruff: noqa: PLC0415, PLR0913 - imported when called for, so that help comes at once; a command has many options
"""``vigil events``: looks into the journal of alerts, beside a daemon that writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Look into the journal of alerts: list events, show one, export them.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Config = Annotated[
    Path, typer.Option("--config", "-c", help="The settings file, which says where.", metavar="vigil.toml")
]
Folder = Annotated[Path | None, typer.Option("--journal", help="The journal itself.", metavar="DIR")]
Camera = Annotated[str | None, typer.Option(help="Of this camera alone.", metavar="NAME")]
Since = Annotated[
    str | None, typer.Option(help="Not over before: 2h, 3d, or a time like 2026-11-27T08:00.", metavar="WHEN")
]
Until = Annotated[str | None, typer.Option(help="Begun before, written likewise.", metavar="WHEN")]
MinScore = Annotated[float | None, typer.Option(help="Highest score at least this.", metavar="X")]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to stdout, for programs.")]


@app.command("list")
def list_(
    *,
    config: Config = Path("vigil.toml"),
    journal: Folder = None,
    camera: Camera = None,
    since: Since = None,
    until: Until = None,
    min_score: MinScore = None,
    most: Annotated[int, typer.Option(min=1, help="The latest so many.", metavar="N")] = 100,
    as_json: Json = False,
) -> None:
    """One line an event, the latest last."""
    from daemon.commands.journal_views import Chosen, list_events

    chosen = Chosen(config=config, journal=journal, camera=camera, since=since, until=until, min_score=min_score)
    list_events(chosen, most, as_json=as_json)


@app.command()
def show(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="Its id, as list and alerts show it.")],
    *,
    config: Config = Path("vigil.toml"),
    journal: Folder = None,
    as_json: Json = False,
) -> None:
    """Every alert of an event."""
    from daemon.commands.journal_views import Chosen, show_event

    show_event(Chosen(config=config, journal=journal), event, as_json=as_json)


@app.command()
def export(
    events: Annotated[
        list[str] | None, typer.Argument(metavar="EVENT...", help="Ids; without any, all that fit.", show_default=False)
    ] = None,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="A folder, or a file that ends in .zip.", metavar="PATH")],
    config: Config = Path("vigil.toml"),
    journal: Folder = None,
    camera: Camera = None,
    since: Since = None,
    until: Until = None,
    min_score: MinScore = None,
    pictures: Annotated[bool, typer.Option(help="Pictures too.")] = True,
) -> None:
    """Write alerts as JSON lines, and their pictures beside them."""
    from daemon.commands.journal_views import Chosen, export_events

    chosen = Chosen(config=config, journal=journal, camera=camera, since=since, until=until, min_score=min_score)
    export_events(chosen, events or [], out, pictures=pictures)
