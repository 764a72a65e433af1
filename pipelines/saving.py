"""An alert as files that a person can look at."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from pipelines.headers import AlertHeader
from pipelines.wire import AlertMessage, Message

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


def file_stem(header: AlertHeader) -> str:
    """What an alert's files are called, without ending.

    It is made of the sender's words, so they are reduced to letters, digits, ``_`` and ``-``.
    """
    words = (header.boot_id, f"{header.seq:06d}", header.camera, header.phase)
    return "_".join(_UNSAFE.sub("-", word)[:60] for word in words)


def save_message(message: Message, folder: Path) -> list[Path]:
    """Write an alert's pictures and header into a folder, made if need be; returns the files. Other messages give none.

    Pictures that are not kept any more give no file. Raises OSError.
    """
    if not isinstance(message, AlertMessage):
        return []
    stem = file_stem(message.header)
    contents = {
        "overlay.jpg": message.overlay_jpeg,
        "clean.jpg": message.clean_jpeg,
        "heatmap.png": message.heatmap_png,
        "json": msgspec.json.format(msgspec.json.encode(message.header), indent=2),
    }
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for ending, content in contents.items():
        if content:
            written.append(folder / f"{stem}.{ending}")
            written[-1].write_bytes(content)
    return written
