"""Names of sources: what a person writes, and what it stands for."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import unquote

from engines.quoting import shortened
from pipelines.errors import SourceRefused
from pipelines.redact import shown
from pipelines.sources.fragment import WHOLE, Stretch, parse_stretch, split_fragment

SourceKind: TypeAlias = Literal["stream", "video", "pictures", "clips", "device"]

PICTURE_SUFFIXES = (".bmp", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp")
CLIP_SUFFIXES = (
    ".3gp",
    ".avi",
    ".flv",
    ".h264",
    ".h265",
    ".m4v",
    ".mjpeg",
    ".mkv",
    ".mov",
    ".mp4",
    ".mpg",
    ".ts",
    ".webm",
)

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+://")
_DEVICE = re.compile(r"device:(?:(?P<number>\d+)|(?P<path>/\S+))|(?P<node>/dev/video\d+)")


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """Where frames come from."""

    kind: SourceKind
    """stream: a URL; video: a file; pictures, clips: a folder, a pattern or one picture; device: a V4L2 camera."""
    location: str
    """A URL, a path, a pattern or ``/dev/videoN``. May hold a secret: show `label` instead."""
    start_s: float = 0.0
    end_s: float | None = None
    """The stretch [start_s, end_s), in seconds from the beginning of the source."""

    @property
    def label(self) -> str:
        """What to call the source in front of people: holds no secret, and is of bounded length."""
        whole = self.start_s == 0 and self.end_s is None
        end = "" if self.end_s is None else f",{self.end_s:g}"
        location = shortened(self.location) if self._is_file_with_at else shown(self.location)
        return location + ("" if whole else f"#t={self.start_s:g}{end}")

    @property
    def _is_file_with_at(self) -> bool:
        """Whether the last ``@`` belongs to a file or folder that is there: then it parts off no password."""
        before, at, after = self.location.rpartition("@")
        return bool(at) and not self.live and _exists(Path(before + at + after.split("/", 1)[0]))

    @property
    def live(self) -> bool:
        """Whether it may go on for ever: a stream or a device."""
        return self.kind in ("stream", "device")


def parse_source(text: str, base: Path | None = None) -> SourceSpec:
    """Read one source: a URL, a path, a pattern such as ``night/*.jpg``, or ``device:0``; with ``#t=2.5,9`` a stretch.

    A relative path starts at `base`. A path that exists as written wins over one with a fragment. Whether the
    source can be opened is not looked at. Raises SourceRefused on a malformed fragment or an empty text.
    """
    text = text.strip()
    if not text or "\0" in text:
        raise SourceRefused("empty source: name a URL, a file, a folder or a device such as device:0")
    if not _URL.match(text) and _exists(_path(text, base)):
        location, stretch = text, WHOLE
    else:
        location, stretch = _split(text)
    return _locate(location, stretch, base)


def _split(text: str) -> tuple[str, Stretch]:
    location, value = split_fragment(text)
    if value is None:
        return text, WHOLE
    try:
        return location, parse_stretch(value)
    except SourceRefused as error:
        raise SourceRefused(f"{shown(location)}: {error}") from None


def _locate(location: str, stretch: Stretch, base: Path | None) -> SourceSpec:
    if location.startswith("file://"):
        location = unquote(location.removeprefix("file://"))
    if _URL.match(location):
        return SourceSpec("stream", location, stretch.start_s, stretch.end_s)
    if device := _DEVICE.fullmatch(location):
        node = device["node"] or device["path"] or f"/dev/video{device['number']}"
        return SourceSpec("device", node, stretch.start_s, stretch.end_s)
    path = _path(location, base)
    if base is not None and not _exists(path) and glob.has_magic(location):
        path = Path(glob.escape(str(base))) / location
    return SourceSpec(_kind_of_path(path), str(path), stretch.start_s, stretch.end_s)


def _path(location: str, base: Path | None) -> Path:
    path = Path.home() / location[2:] if location.startswith("~/") else Path(location)
    return path if base is None else base / path


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises on what may not be looked at


def _kind_of_path(path: Path) -> SourceKind:
    if os.path.isdir(path) or (not _exists(path) and glob.has_magic(str(path))):  # noqa: PTH112 - likewise
        return "clips" if any(f.suffix.lower() in CLIP_SUFFIXES for f in list_files(path)) else "pictures"
    return "pictures" if path.suffix.lower() in PICTURE_SUFFIXES else "video"


def list_files(path: Path) -> list[Path]:
    """Pictures and clips of a folder, of a pattern, or the one file itself, in order of name; hidden files left out.

    Raises SourceRefused when the folder may not be read.
    """
    wanted = PICTURE_SUFFIXES + CLIP_SUFFIXES
    try:
        found = _listed(path)
        return sorted(f for f in found if f.suffix.lower() in wanted and not f.name.startswith(".") and f.is_file())
    except OSError as error:
        raise SourceRefused(f"{shown(path)}: cannot be listed: {(error.strerror or 'unknown').lower()}") from error


def _listed(path: Path) -> list[Path]:
    if path.is_dir():
        return list(path.iterdir())
    if path.exists():
        return [path]
    return [Path(name) for name in glob.glob(str(path))]  # noqa: PTH207 - the pattern may be absolute


def read_sources_file(path: Path) -> list[SourceSpec]:
    """Read a list of sources, one a line, relative to the list's own folder.

    Blank lines and lines that begin with ``#`` are passed over. Raises SourceRefused that names file and line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SourceRefused(f"{shown(path)}: cannot read the list of sources: {why}") from error
    numbered = ((number, line.strip()) for number, line in enumerate(lines, start=1))
    sources = [_line(path, number, line) for number, line in numbered if line and not line.startswith("#")]
    if not sources:
        raise SourceRefused(f"{path}: the list names no source: write one a line")
    return sources


def _line(path: Path, number: int, line: str) -> SourceSpec:
    try:
        return parse_source(line, base=path.parent)
    except SourceRefused as error:
        raise SourceRefused(f"{path}, line {number}: {error}") from None
