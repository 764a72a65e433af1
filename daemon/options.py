"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path, typer.Option("--config", "-c", help="The settings file.", metavar="vigil.toml", dir_okay=False)
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to stdout, for programs.")]
Fps = Annotated[
    float | None,
    typer.Option("--fps", min=0.1, max=240, help="Frames used a second; makes a film of a folder of pictures."),
]
