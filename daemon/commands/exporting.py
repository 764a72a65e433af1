"""Alerts of the journal as JSON lines and pictures, in a folder or a zip file."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from engines.errors import VigilError
from pipelines.journal.reader import JournalReader, KeptAlert
from pipelines.saving import file_stem

_LINES = "alerts.jsonl"
_ENDINGS = ("overlay.jpg", "clean.jpg", "heatmap.png")


@dataclass(slots=True)
class Exported:
    """How much was written."""

    alerts: int = 0
    pictures: int = 0
    """Files."""


def export_alerts(reader: JournalReader, alerts: Iterable[KeptAlert], out: Path, *, pictures: bool) -> Exported:
    """Write ``alerts.jsonl`` and, below ``pictures/``, three files for each alert. Raises `VigilError`."""
    counted = Exported()
    try:
        with ExitStack() as stack:
            lines, write = _zip(out, stack) if out.suffix == ".zip" else _folder(out, stack)
            for alert in alerts:
                lines(alert.header_json)
                counted.alerts += 1
                for ending, content in zip(_ENDINGS, reader.pictures(alert) if pictures else (), strict=False):
                    if content:
                        write(f"pictures/{file_stem(alert.header)}.{ending}", content)
                        counted.pictures += 1
    except OSError as error:
        raise VigilError(f"{out}: cannot be written: {error.strerror}") from error
    return counted


def _folder(out: Path, stack: ExitStack) -> tuple[Callable[[bytes], object], Callable[[str, bytes], object]]:
    (out / "pictures").mkdir(parents=True, exist_ok=True)
    file = stack.enter_context((out / _LINES).open("wb"))
    return lambda line: file.write(line + b"\n"), lambda name, content: (out / name).write_bytes(content)


def _zip(out: Path, stack: ExitStack) -> tuple[Callable[[bytes], object], Callable[[str, bytes], object]]:
    """Pictures are compressed already and stay as they are; the lines come last, when they are all there."""
    archive = stack.enter_context(zipfile.ZipFile(out, "w"))
    kept: list[bytes] = []
    stack.callback(lambda: archive.writestr(_LINES, b"".join(kept), zipfile.ZIP_DEFLATED))
    return lambda line: kept.append(line + b"\n"), archive.writestr
