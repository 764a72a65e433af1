"""Footage with truth: what an argument of ``vigil evaluate`` stands for."""

from __future__ import annotations

import glob
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daemon.errors import SettingsError
from engines.evaluation.truth import Labels, Span, Truth
from engines.evaluation.truthfile import TruthError, read_mask, read_truth_file, truth_of
from engines.npz import read_npz
from pipelines.errors import SourceError
from pipelines.redact import shown
from pipelines.simulation.sidecar import ClipTruth, load_truth, masks_path, truth_path
from pipelines.sources.spec import CLIP_SUFFIXES, PICTURE_SUFFIXES, SourceSpec, list_files, parse_source

_SIDECAR = ".truth.json"


@dataclass(frozen=True, slots=True, eq=False)
class LabelledClip:
    """A source and its truth."""

    name: str
    spec: SourceSpec
    truth: Truth


@dataclass(frozen=True, slots=True, eq=False)
class FootageSet:
    """Clips that are judged together."""

    name: str
    clips: tuple[LabelledClip, ...]


def labelled(text: str) -> FootageSet:
    """Find the footage and its truth: a truth file, clips with sidecars, or pictures with masks beside them.

    Raises `SettingsError` when there is no truth to be found, `TruthError` when it is malformed.
    """
    path = Path(text)
    if path.name.endswith(_SIDECAR) and (clip := path.with_name(path.name.removesuffix(_SIDECAR))).is_file():
        path = clip
    elif path.suffix == ".json":
        return _from_file(path)
    try:
        if clips := _with_sidecars(path):
            return FootageSet(path.stem, clips)
        if clips := _with_masks(path):
            return FootageSet(path.name, clips)
    except SourceError as error:
        raise TruthError(str(error)) from error
    raise SettingsError(
        f"{shown(text)}: no truth found: give a vigil.truth/1 file, a clip with CLIP{_SIDECAR} beside it, "
        "or a folder of pictures with masks NAME.png beside NAME.jpg"
    )


def _from_file(path: Path) -> FootageSet:
    read = read_truth_file(path)
    clips = []
    for entry in read.sources:
        try:
            spec = parse_source(entry.source, base=path.parent)
        except SourceError as error:
            raise TruthError(f"{path}: {error}") from error
        if spec.live or spec.kind == "clips":
            why = "it does not end" if spec.live else "it is several clips: name each of them"
            raise TruthError(f"{path}: {spec.label}: no truth can be told of this source: {why}")
        stems = [one.stem for one in list_files(Path(spec.location))] if spec.kind == "pictures" else []
        clips.append(LabelledClip(_name(spec), spec, truth_of(entry, path.parent, stems)))
    return FootageSet(read.name or path.stem, tuple(clips))


def _name(spec: SourceSpec) -> str:
    """What a clip is called: its file's stem, with the stretch if there is one."""
    whole, sign, stretch = spec.label.partition("#t=")
    path = Path(whole)
    stem = path.parent.name if glob.has_magic(path.name) else path.stem
    if not sign:
        return stem or whole
    start, _, end = stretch.partition(",")
    return f"{stem or whole} from {start} s" + (f" to {end} s" if end else "")


def _with_sidecars(path: Path) -> tuple[LabelledClip, ...]:
    """Clips that the generated scene wrote, each with its truth beside it."""
    files = [one for one in list_files(path) if one.suffix.lower() in CLIP_SUFFIXES and truth_path(one).is_file()]
    shelf = _Shelf()
    return tuple(LabelledClip(one.stem, parse_source(str(one)), sidecar_truth(one, shelf)) for one in files)


def sidecar_truth(clip: Path, shelf: _Shelf) -> Truth:
    """The truth that lies beside a generated clip."""
    known = load_truth(clip)
    kinds = {str(one.id): str(one.kind) for one in known.planted}
    boxes: dict[int, list[tuple[str, tuple[int, int, int, int]]]] = {}
    frames: dict[str, list[int]] = {}
    for one in known.seen:
        boxes.setdefault(one.frame, []).append((one.id, (one.left, one.top, one.width, one.height)))
        frames.setdefault(one.id, []).append(one.frame)
    spans = tuple(Span(first, last, kinds[id_], id_) for id_, seen in frames.items() for first, last in _runs(seen))
    return Truth(known.fps, spans, size=(known.height, known.width), boxes=boxes, labels=shelf.reader(clip, known))


def _runs(frames: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of each run of consecutive numbers."""
    breaks = [(a, b) for a, b in pairwise(frames) if b != a + 1]
    firsts = [frames[0], *(b for _, b in breaks)]
    lasts = [*(a for a, _ in breaks), frames[-1]]
    return list(zip(firsts, lasts, strict=True))


class _Shelf:
    """Holds the packed masks of one clip at a time."""

    def __init__(self) -> None:
        self._clip: Path | None = None
        self._rows: dict[int, int] = {}
        self._bits: NDArray[np.uint8] = np.empty((0, 0), np.uint8)

    def reader(self, clip: Path, known: ClipTruth) -> Callable[[int], Labels | None]:
        """What reads the labels of a clip's frames."""

        def read(frame: int) -> Labels | None:
            self._take(clip)
            row = self._rows.get(frame)
            if row is None:
                return None
            return np.unpackbits(self._bits[row], count=known.width * known.height).reshape(known.height, known.width)

        return read

    def _take(self, clip: Path) -> None:
        if clip == self._clip:
            return
        try:
            stored = read_npz(masks_path(clip).read_bytes())
            frames, self._bits = stored["frames"], stored["bits"]
        except (OSError, KeyError, ValueError) as error:
            raise TruthError(f"{masks_path(clip)} holds no masks: render the clip again") from error
        self._rows = {int(frame): row for row, frame in enumerate(frames)}
        self._clip = clip


def _with_masks(path: Path) -> tuple[LabelledClip, ...]:
    """Pictures of a folder, or of each of its folders, whose masks lie beside them; the folder names the kind."""
    folders = sorted(one for one in path.iterdir() if one.is_dir()) if path.is_dir() else []
    found = [clip for folder in (path, *folders) if (clip := _folder_with_masks(folder)) is not None]
    return tuple(found) if any(clip.truth.spans for clip in found) else ()


def _folder_with_masks(folder: Path) -> LabelledClip | None:
    files = [one for one in list_files(folder) if one.suffix.lower() in PICTURE_SUFFIXES] if folder.is_dir() else []
    names = {one.stem for one in files if one.suffix.lower() != ".png"}
    pictures = [one for one in files if not (one.suffix.lower() == ".png" and one.stem in names)]
    if not pictures:
        return None
    suffixes = {one.suffix for one in pictures}
    if len(suffixes) > 1:
        raise SettingsError(f"{folder}: pictures of several formats ({', '.join(sorted(suffixes))}); keep one kind")
    if suffixes == {".png"}:
        # Nothing tells masks from pictures here: a truth file can.
        return None
    masks = [one.with_suffix(".png") for one in pictures]
    spans = tuple(
        Span(number, number, folder.name, f"{folder.name}/{mask.stem}")
        for number, mask in enumerate(masks)
        if mask.is_file()
    )
    spec = parse_source(f"{glob.escape(str(folder))}/*{pictures[0].suffix}")
    return LabelledClip(folder.name, spec, Truth(None, spans, labels=lambda number: read_mask(masks[number])))
