"""The contact sheet: for every camera and kind of anomaly the best alert, or what was missed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import av
import cv2
import numpy as np

from daemon.demo.matching import area, overlap, seen_box
from daemon.demo.tally import Outcome
from daemon.demo.watching import Heard, Listener
from daemon.demo.words import KIND_NAMES, signal_colour, signal_name
from engines.contract import Pixels
from pipelines.caption import PAPER, PHASE_COLOURS, Colour, Lettering
from pipelines.simulation.scene import KINDS, Kind
from pipelines.simulation.sidecar import ClipTruth, Seen

_TILE = (512, 288)
_STRIP, _GAP, _HEAD, _NAME = 38, 18, 72, 46
_GROUND: Colour = (34, 29, 26)
_QUIET: Colour = (164, 158, 152)
_FOUND, _MISSED = PHASE_COLOURS["end"], PHASE_COLOURS["begin"]


def best_alerts(heard: Sequence[Heard], truths: Mapping[str, ClipTruth]) -> dict[tuple[str, Kind], Heard]:
    """For each camera and kind that was found, the alert that shows it best."""
    best: dict[tuple[str, Kind], tuple[float, Heard]] = {}
    for one in heard:
        for span in one.shown:
            key = (one.sighting.camera, span.kind)
            rated = worth(one, truths[one.sighting.camera], span.id)
            if key not in best or rated > best[key][0]:
                best[key] = (rated, one)
    return {key: one for key, (_, one) in best.items()}


def worth(one: Heard, truth: ClipTruth, name: str) -> float:
    """How well an alert shows an anomaly: how close its boxes fit, how large it is, how few boxes lie elsewhere, how
    far its score is beyond the threshold."""
    box = seen_box(truth, name, one.sighting.clip_s)
    boxes = one.sighting.boxes
    if box is None or not boxes:
        return -1.0
    shared = [overlap(region, box) for region in boxes]
    fit = max(s / (area(region) + area(box) - s) for s, region in zip(shared, boxes, strict=True))
    astray = sum(s == 0 for s in shared)
    size = min(1.0, area(box) / (0.02 * truth.width * truth.height))
    beyond = min(1.0, one.header.score / max(one.header.threshold, 1e-6) - 1)
    return fit + 0.3 * size - 0.2 * astray + (0.2 if beyond >= 0 else 1.0) * beyond


def draw_wall(
    best: Mapping[tuple[str, Kind], Heard],
    missed: Mapping[tuple[str, Kind], Pixels],
    outcomes: Sequence[Outcome],
    title: str,
) -> Pixels:
    """uint8 [H, W, 3] BGR: a row for each camera, a column for each kind."""
    pitch_x, pitch_y = _TILE[0] + _GAP, _NAME + _TILE[1] + _STRIP
    shape = _HEAD + pitch_y * len(outcomes) + _GAP // 2, _GAP + pitch_x * len(KINDS), 3
    canvas: Pixels = np.full(shape, _GROUND, np.uint8)
    pen = Lettering()
    pen.draw(canvas, title, (_GAP, 48), PAPER, 26, 650)
    for row, outcome in enumerate(outcomes):
        top = _HEAD + pitch_y * row
        _head_of_row(canvas, pen, outcome, top + 30)
        for column, kind in enumerate(KINDS):
            tile = canvas[top + _NAME :, _GAP + pitch_x * column :][: _TILE[1] + _STRIP, : _TILE[0]]
            key = outcome.camera, kind
            if key in best:
                _draw_found(tile, pen, best[key], outcome, kind)
            else:
                _draw_missed(tile, pen, missed.get(key), kind)
    return canvas


def missed_scenes(
    clips: Mapping[str, Path], truths: Mapping[str, ClipTruth], outcomes: Sequence[Outcome]
) -> dict[tuple[str, Kind], Pixels]:
    """For each camera and kind that was planted and missed, the frame that shows most of it, its box drawn."""
    scenes: dict[tuple[str, Kind], Pixels] = {}
    for outcome in outcomes:
        truth = truths[outcome.camera]
        wanted: dict[int, tuple[Kind, Seen]] = {}
        for kind in outcome.kinds_missed:
            names = {span.id for span in truth.planted if span.kind == kind}
            largest = max((one for one in truth.seen if one.id in names), key=lambda one: one.area)
            wanted[largest.frame] = kind, largest
        for frame, picture in _frames(clips[outcome.camera], wanted):
            kind, seen = wanted[frame]
            scenes[outcome.camera, kind] = _marked(picture, seen)
    return scenes


def save_pictures(
    listener: Listener, clips: Mapping[str, Path], outcomes: Sequence[Outcome], wall: Path, best: Path
) -> None:
    """Write the contact sheet, and beside it the overlay of the best alert of all if there is one. Raises OSError."""
    truths = listener.truths
    chosen = best_alerts(listener.heard, truths)
    found = sum(len(one.kinds_found) for one in outcomes)
    planted = sum(len(one.kinds_found) + len(one.kinds_missed) for one in outcomes)
    title = f"Vigil: {found} of {planted} planted anomalies found, {_alarms(outcomes)}"
    sheet = draw_wall(chosen, missed_scenes(clips, truths, outcomes), outcomes, title)
    wall.write_bytes(cv2.imencode(".png", sheet)[1].tobytes())
    if chosen:
        _, first = max(chosen.items(), key=lambda item: _rated(item[1], item[0], truths))
        best.write_bytes(first.message.overlay_jpeg)


def _rated(one: Heard, key: tuple[str, Kind], truths: Mapping[str, ClipTruth]) -> float:
    return max(worth(one, truths[key[0]], span.id) for span in one.shown if span.kind == key[1])


def _alarms(outcomes: Sequence[Outcome]) -> str:
    count = sum(len(one.false_alarms) for one in outcomes)
    return "no false alarm" if count == 0 else f"{count} false alarm{'s' if count > 1 else ''}"


def _head_of_row(canvas: Pixels, pen: Lettering, outcome: Outcome, baseline: int) -> None:
    found, planted = len(outcome.kinds_found), len(outcome.kinds_found) + len(outcome.kinds_missed)
    pen.draw(canvas, outcome.camera, (_GAP, baseline), PAPER, 22, 650)
    x = _GAP + pen.width(outcome.camera, 22, 650) + 14
    pen.draw(canvas, f"{found} of {planted}", (x, baseline), _FOUND if found == planted else _QUIET, 18, 500)


def _draw_found(tile: Pixels, pen: Lettering, one: Heard, outcome: Outcome, kind: Kind) -> None:
    """The picture with its boxes, and below it score and threshold, the strongest signal, and how soon it was found."""
    tile[: _TILE[1]] = _scene(one)
    signal = one.header.signals[0].name
    delays = [p.found_after_s for p in outcome.planted if p.kind == kind and p.found_after_s is not None]
    parts = [
        (KIND_NAMES[kind], PAPER),
        (f"{one.header.score:.1f} of {one.header.threshold:.1f}", _QUIET),
        (signal_name(signal), signal_colour(signal)),
        (f"after {min(delays):.1f} s", _QUIET),
    ]
    _write(tile, pen, parts)


def _draw_missed(tile: Pixels, pen: Lettering, scene: Pixels | None, kind: Kind) -> None:
    """The scene in the dark, with the box of what was not found."""
    tile[: _TILE[1]] = 48 if scene is None else cv2.resize(scene, _TILE, interpolation=cv2.INTER_AREA)
    said = ("not planted", _QUIET) if scene is None else ("missed", _MISSED)
    _write(tile, pen, [(KIND_NAMES[kind], PAPER), said])


def _write(tile: Pixels, pen: Lettering, parts: Sequence[tuple[str, Colour]]) -> None:
    x = 0
    for text, colour in parts:
        pen.draw(tile, text, (x, _TILE[1] + 25), colour, 17, 500)
        x += pen.width(text, 17, 500) + 16


def _frames(clip: Path, wanted: Collection[int]) -> Iterator[tuple[int, Pixels]]:
    """Frames of a clip by number: uint8 [H, W, 3] BGR."""
    if not wanted:
        return
    with av.open(str(clip)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index in wanted:
                yield index, np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def _marked(picture: Pixels, seen: Seen) -> Pixels:
    """A dimmed picture with a box about an anomaly."""
    dim = np.asarray(cv2.convertScaleAbs(picture, alpha=0.45), np.uint8)
    left, top = seen.left - 4, seen.top - 4
    right, bottom = seen.left + seen.width + 3, seen.top + seen.height + 3
    dim[max(0, top) : bottom, max(0, left) : right] = picture[max(0, top) : bottom, max(0, left) : right]
    cv2.rectangle(dim, (left, top), (right, bottom), _MISSED, 2, cv2.LINE_AA)
    return dim


def _scene(one: Heard) -> Pixels:
    """An alert's overlay at a tile's size, without its own caption."""
    overlay = cv2.imdecode(np.frombuffer(one.message.overlay_jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert overlay is not None  # what it begins with was checked on arrival
    scene = overlay[: one.header.pictures.clean.height]
    return np.asarray(cv2.resize(scene, _TILE, interpolation=cv2.INTER_AREA), np.uint8)
