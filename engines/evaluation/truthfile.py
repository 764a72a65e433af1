"""The truth file, `vigil.truth/1`: JSON that says what is abnormal in some footage. See docs/evaluation.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import cv2
import msgspec
import numpy as np

from engines.errors import VigilError
from engines.evaluation.truth import ABNORMAL, IGNORED, Labels, Span, Truth
from engines.quoting import shortened

Run = tuple[Annotated[int, msgspec.Meta(ge=0)], Annotated[int, msgspec.Meta(ge=0)]]
"""First and last frame, both inclusive, from 0."""


_TOO_WIDE = re.compile(r"\{[^}]*\d{4}")
"""A field of thousands of characters: names of gigabytes could be written so."""


class TruthError(VigilError):
    """Truth is missing, malformed, or does not fit its footage."""


class SpanEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A run of frames that shows an anomaly."""

    first: Annotated[int, msgspec.Meta(ge=0)]
    last: Annotated[int, msgspec.Meta(ge=0)]
    kind: str = "anomaly"
    id: str | None = None
    """Spans with one id are one instance. Without one, every span is an instance."""
    boxes: tuple[tuple[int, int, int, int, int], ...] = ()
    """Frame, left, top, width, height."""


class MasksEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the masks lie: pictures whose grey levels say what each pixel is."""

    folder: str
    name: str = "{frame:06d}.png"
    """Format of a file's name: ``frame`` counts from `first`; ``stem`` is a still's own name without its ending."""
    first: int = 0
    abnormal_from: Annotated[int, msgspec.Meta(ge=1, le=255)] = 128
    """Pixels from this grey level on are abnormal."""
    ignored: tuple[int, ...] = ()
    """Grey levels of pixels that count neither way."""


class SourceEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The truth of one source."""

    source: str
    """As `vigil score` takes it, relative to the truth file."""
    fps: Annotated[float, msgspec.Meta(gt=0)] | None = None
    """Rate of the frames that are numbered here; None for unrelated pictures."""
    size: tuple[Annotated[int, msgspec.Meta(ge=1)], Annotated[int, msgspec.Meta(ge=1)]] | None = None
    """Width and height that the boxes are written for; not needed with masks."""
    judged: tuple[Run, ...] | None = None
    """What somebody looked at; all by default."""
    abnormal: tuple[SpanEntry, ...] = ()
    masks: MasksEntry | None = None


class TruthFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file."""

    schema: Literal["vigil.truth/1"]
    sources: Annotated[tuple[SourceEntry, ...], msgspec.Meta(min_length=1)]
    name: str | None = None
    """What reports call the footage; the file's own name by default."""


def read_truth_file(path: Path) -> TruthFile:
    """Read and check a truth file. Raises `TruthError`, which names the file and what is wrong in it."""
    try:
        read = msgspec.json.decode(path.read_bytes(), type=TruthFile)
    except OSError as error:
        raise TruthError(f"{path}: cannot read the truth ({error.strerror}): check the path") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TruthError(f"{path}: not a vigil.truth/1 file: {shortened(error)}") from error
    for entry in read.sources:
        where = f"{path}: {shortened(entry.source)}"
        for span in entry.abnormal:
            if span.last < span.first:
                raise TruthError(f"{where}: a span ends at {span.last}, before its first {span.first}")
            if span.boxes and entry.size is None and entry.masks is None:
                raise TruthError(f"{where}: boxes need the picture's size: add size: [width, height]")
    return read


def truth_of(entry: SourceEntry, base: Path, stems: Sequence[str] = ()) -> Truth:
    """The truth of one source of a file in the folder `base`; `stems` are the names of stills, in their order."""
    spans = [
        Span(one.first, one.last, one.kind, one.id or f"{one.kind}-{number}")
        for number, one in enumerate(entry.abnormal, start=1)
    ]
    boxes: dict[int, list[tuple[str, tuple[int, int, int, int]]]] = {}
    for span, one in zip(spans, entry.abnormal, strict=True):
        for frame, *box in one.boxes:
            boxes.setdefault(frame, []).append((span.id, (box[0], box[1], box[2], box[3])))
    labels = None if entry.masks is None else mask_reader(entry.masks, base, stems)
    if entry.fps is None and not spans and labels is not None:
        spans = [Span(i, i, "anomaly", stem) for i, stem in enumerate(stems) if labels(i) is not None]
    size = None if entry.size is None else (entry.size[1], entry.size[0])
    return Truth(entry.fps, tuple(spans), entry.judged, size, boxes, labels)


def mask_reader(masks: MasksEntry, base: Path, stems: Sequence[str]) -> Callable[[int], Labels | None]:
    """What reads the labels of a frame, by its number."""
    folder = base / masks.folder

    def read(frame: int) -> Labels | None:
        stem = stems[frame] if frame < len(stems) else ""
        return read_mask(folder / _mask_name(masks.name, frame + masks.first, stem), masks.abnormal_from, masks.ignored)

    return read


def _mask_name(form: str, frame: int, stem: str) -> str:
    try:
        name = None if _TOO_WIDE.search(form) else form.format(frame=frame, stem=stem)
    except (LookupError, ValueError, AttributeError, TypeError):
        name = None
    if name is None:
        raise TruthError(f"{shortened(form)}: not a name of masks: use {{frame:06d}} or {{stem}}")
    return name


def read_mask(path: Path, abnormal_from: int = 128, ignored: Sequence[int] = ()) -> Labels | None:
    """Labels of a mask picture, uint8 [H, W]; None where there is no file. Raises `TruthError` on a broken one."""
    try:
        if not path.is_file():
            return None
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise TruthError(f"{shortened(path)}: the mask cannot be read ({error.strerror}): check its name") from error
    try:
        grey = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    except cv2.error:  # empty, or absurdly large
        grey = None
    if grey is None:
        raise TruthError(f"{shortened(path)}: not a mask that can be read; repair it or take it away")
    labels = np.where(np.asarray(grey) >= abnormal_from, np.uint8(ABNORMAL), np.uint8(0))
    labels[np.isin(grey, ignored)] = IGNORED
    return labels
